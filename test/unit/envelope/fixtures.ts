import { hash, randomBytes } from 'node:crypto'
import { dekFrom, newDek } from '../../../src/envelope/dek.ts'
import { openPart, type PartIdentity, sealPart } from '../../../src/envelope/seal.ts'

export const identity: PartIdentity = {
  bucketId: '11111111-2222-3333-4444-555555555555',
  key: 'dir/naïve ☃.txt',
  blobId: Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'),
  partNumber: 0,
}

/** Bytes that are never alike in two places. */
export function pattern(lengthBytes: number, seed = 'pattern'): Buffer {
  const blocks: Buffer[] = []
  for (let i = 0; i * 32 < lengthBytes; i++) blocks.push(hash('sha256', `${seed}:${i}`, 'buffer'))
  return Buffer.concat(blocks).subarray(0, lengthBytes)
}

export async function* chunksOf(bytes: Uint8Array, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes)
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A sealed part and everything that opens it. */
export function sealedPart(plaintext: Buffer, partNumber = 0) {
  const dek = newDek()
  const salt = randomBytes(16)
  const place = { ...identity, partNumber }
  const stored = Buffer.concat(sealPart(dek, place, salt).bytes([plaintext]))
  const open = (bytes: Buffer = stored, lengthBytes = plaintext.length, at: PartIdentity = place, partSalt = salt) =>
    openPart(dek, at, partSalt, lengthBytes, bytes.subarray(0, 80), bytes.length)
  return { dek, salt, identity: place, stored, open }
}

/** The whole plaintext of a stored part. Throws EnvelopeForged. */
export function openWhole(open: () => ReturnType<typeof openPart>, stored: Buffer, lengthBytes: number): Buffer {
  using opener = open()
  return Buffer.concat(opener.bytes({ start: 0, end: lengthBytes }, stored.subarray(80)))
}

export const dekOf = (hex: string) => dekFrom(Buffer.alloc(32, Buffer.from(hex, 'hex')))

export function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : `no code: ${error}`
  }
  return 'no error'
}
