import { lengthPrefixed, u32 } from './bytes.ts'
import { gcmOpen, hkdf } from './ciphers.ts'
import { damaged, forged } from './errors.ts'
import { type Members, members, parseJson } from './json.ts'

// docs/envelope-format.md, section 6.

const HEAD_BYTES = 8

/** The salt of an epoch; undefined of one that the store never had. */
export type EpochSalts = (epoch: number) => Buffer | undefined

export interface RecordCipher {
  /** Throws Forged, naming `what`. */
  readonly open: (aad: Uint8Array, record: Buffer, what: string) => Buffer
}

export function recordCipher(root: Uint8Array, label: string, salts: EpochSalts): RecordCipher {
  const keys = new Map<number, Buffer>()
  const keyOf = (epoch: number, what: string): Buffer => {
    const known = keys.get(epoch)
    if (known) return known
    const salt = salts(epoch)
    if (!salt) throw forged(`${what} is of epoch ${epoch}, which the store never had`)
    const key = hkdf(root, salt, Buffer.concat([Buffer.from('CRC1/rec\0'), lengthPrefixed(label), u32(epoch)]))
    keys.set(epoch, key)
    return key
  }
  return {
    open: (aad, record, what) => {
      if (record.length < HEAD_BYTES) throw forged(`${what} is too short for a sealed record`)
      const head = record.subarray(0, HEAD_BYTES)
      const nonce = Buffer.concat([Buffer.alloc(4), head])
      const key = keyOf(record.readUInt32BE(0), what)
      return gcmOpen(key, nonce, Buffer.concat([head, aad]), record.subarray(HEAD_BYTES), what)
    },
  }
}

/** A record of the object engine: docs/record-format.md, section 2. */
export interface StoredRecord {
  readonly head: Members
  readonly sections: readonly Buffer[]
}

/** Sections that a record of a kind has at least. */
export const SECTIONS = { bucket: 1, object: 4, upload: 2, part: 2, garbage: 0, marker: 0 } as const

/** Throws Damaged. */
export function readRecord(bytes: Buffer, kind: keyof typeof SECTIONS, what: string): StoredRecord {
  if (bytes[0] !== 1) throw damaged(`${what} is of version ${bytes[0] ?? 'none'}, not 1`)
  const pieces: Buffer[] = []
  for (let at = 1; at < bytes.length; ) {
    const from = at + 4
    const end = from > bytes.length ? Number.POSITIVE_INFINITY : from + bytes.readUInt32BE(at)
    if (end > bytes.length) throw damaged(`${what} is cut off`)
    pieces.push(bytes.subarray(from, end))
    at = end
  }
  const [head, ...sections] = pieces
  if (!head) throw damaged(`${what} has no head`)
  if (sections.length < SECTIONS[kind]) throw damaged(`${what} has too few sections`)
  return { head: members(parseJson(head, `the head of ${what}`), `the head of ${what}`), sections }
}
