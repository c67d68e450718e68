import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { sha256 } from '../decrypt/ciphers.ts'
import { usage } from '../decrypt/errors.ts'

/** What must not be found. A report names it and its digest, never its text. */
export interface Canary {
  readonly name: string
  readonly sha256: string
  readonly bytes: number
  /** The runs of bytes that are looked for: the whole of it, or pieces of a long one. */
  readonly pieces: readonly Buffer[]
}

const MIN_BYTES = 8
const PIECE_BYTES = 32
const MAX_PIECES = 512
/** Fewer different bytes are no text of anybody's: padding, zeros. */
const MIN_DIFFERENT = 4

/** `TEXT`, or `@FILE` for the bytes of a file. Throws Usage for what is too short to be found by chance never. */
export function readCanary(text: string, index: number): Canary {
  const fromFile = text.startsWith('@')
  const bytes = fromFile ? readFileSync(text.slice(1)) : Buffer.from(text, 'utf8')
  const name = fromFile ? basename(text) : `canary ${index + 1}`
  if (bytes.length < MIN_BYTES)
    throw usage(`${name} has ${bytes.length} bytes: with fewer than ${MIN_BYTES} it would be found by chance`)
  const pieces = piecesOf(bytes).filter((piece) => new Set(piece).size >= MIN_DIFFERENT)
  if (pieces.length === 0) throw usage(`${name} is a few bytes over and over: it would be found everywhere`)
  return { name, sha256: sha256(bytes).toString('hex'), bytes: bytes.length, pieces }
}

/** Of a long one so many pieces, evenly spread, that a copy of any large part of it holds one. */
function piecesOf(bytes: Buffer): Buffer[] {
  if (bytes.length <= 2 * PIECE_BYTES) return [bytes]
  const count = Math.min(MAX_PIECES, Math.floor(bytes.length / PIECE_BYTES))
  const step = (bytes.length - PIECE_BYTES) / (count - 1)
  return Array.from({ length: count }, (_, index) => {
    const at = Math.round(index * step)
    return bytes.subarray(at, at + PIECE_BYTES)
  })
}

export const SPELLINGS = [
  'as it is',
  'hex',
  'HEX',
  'base64',
  'base64url',
  'UTF-16LE',
  'UTF-16BE',
  'JSON',
  'percent',
] as const
export type Spelling = (typeof SPELLINGS)[number]

/** Each way in which the bytes may stand in a file. Of base64 those characters that do not depend on what stands around. */
export function* spellingsOf(piece: Buffer): Generator<readonly [Spelling, Buffer]> {
  yield ['as it is', piece]
  yield ['hex', Buffer.from(piece.toString('hex'))]
  yield ['HEX', Buffer.from(piece.toString('hex').toUpperCase())]
  for (const [spelling, encoding] of [
    ['base64', 'base64'],
    ['base64url', 'base64url'],
  ] as const) {
    for (const shift of [0, 1, 2]) {
      const encoded = Buffer.concat([Buffer.alloc(shift), piece])
        .toString(encoding)
        .replaceAll('=', '')
      const whole = Math.floor((shift + piece.length) / 3) * 4
      yield [spelling, Buffer.from(encoded.slice([0, 2, 3][shift], whole))]
    }
  }
  const text = piece.toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(piece)) return
  const little = Buffer.from(text, 'utf16le')
  yield ['UTF-16LE', little]
  yield ['UTF-16BE', Buffer.from(little).swap16()]
  yield ['JSON', Buffer.from(JSON.stringify(text).slice(1, -1))]
  yield ['percent', Buffer.from(encodeURIComponent(text))]
}
