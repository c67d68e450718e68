import { createCipheriv, createHash, hkdfSync } from 'node:crypto'

// The formats of docs/envelope-format.md once more, written from the text and as plainly as can be: one buffer, one
// pass, nothing shared with src/envelope. What both agree on is the format; what only one says is a bug.

export interface ReferencePart {
  readonly dek: Buffer
  readonly bucketId: string
  readonly key: string
  readonly blobId: Buffer
  readonly partNumber: number
  readonly partSalt: Buffer
  readonly segmentLog2?: number
}

const u32 = (value: number) => Buffer.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
const lp = (bytes: Buffer) => Buffer.concat([u32(bytes.length), bytes])
const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest()
const hkdf = (key: Buffer, salt: Buffer, ...info: Buffer[]) =>
  Buffer.from(hkdfSync('sha256', key, salt, Buffer.concat(info), 32))
const label = (text: string) => Buffer.concat([Buffer.from(text), Buffer.of(0)])

function gcm(key: Buffer, nonce: Buffer, aad: Buffer, plaintext: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  cipher.setAAD(aad)
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

export function referencePart(part: ReferencePart, plaintext: Buffer): Buffer {
  const log2 = part.segmentLog2 ?? 16
  const prefix = Buffer.concat([
    Buffer.from('OEF1'),
    Buffer.of(1, 1, log2, 0),
    part.blobId,
    u32(part.partNumber),
    u32(0),
    part.partSalt,
  ])
  const context = sha256(label('OEF1/ctx'), lp(Buffer.from(part.bucketId)), lp(Buffer.from(part.key)))
  const key = hkdf(part.dek, part.partSalt, label('OEF1/seg'), prefix, context)
  const commitment = hkdf(part.dek, part.partSalt, label('OEF1/cmt'), prefix, context)
  const segments: Buffer[] = []
  const size = 2 ** log2
  const count = Math.max(1, Math.ceil(plaintext.length / size))
  for (let i = 0; i < count; i++) {
    const piece = plaintext.subarray(i * size, (i + 1) * size)
    const final = Buffer.of(i === count - 1 ? 1 : 0)
    const nonce = Buffer.concat([Buffer.alloc(7), u32(i), final])
    segments.push(gcm(key, nonce, Buffer.concat([prefix, context, u32(i), final, u32(piece.length)]), piece))
  }
  return Buffer.concat([prefix, commitment, ...segments])
}

export interface ReferenceSmall {
  readonly kind: number
  readonly key: Buffer
  readonly keyRef: Buffer
  readonly salt: Buffer
  readonly context: readonly (string | Buffer)[]
}

export function referenceSmall(small: ReferenceSmall, plaintext: Buffer): Buffer {
  const header = Buffer.concat([Buffer.from('SEV1'), Buffer.of(1, 1, small.kind, 0), small.keyRef, small.salt])
  const parts = small.context.map((part) => lp(typeof part === 'string' ? Buffer.from(part) : part))
  const context = sha256(label('SEV1/ctx'), u32(parts.length), ...parts)
  const key = hkdf(small.key, small.salt, label('SEV1/key'), header, context)
  const commitment = hkdf(small.key, small.salt, label('SEV1/cmt'), header, context)
  const aad = Buffer.concat([header, commitment, context])
  return Buffer.concat([header, commitment, gcm(key, Buffer.alloc(12), aad, plaintext)])
}

/** `json` is canonical JSON text. */
export function referenceManifest(
  version: { dek: Buffer; bucketId: string; key: string; versionId: string; blobId: Buffer; salt: Buffer },
  json: string,
): Buffer {
  const text = Buffer.from(json)
  const padded = Buffer.concat([text, Buffer.alloc((256 - (text.length % 256)) % 256, ' ')])
  const key = hkdf(version.dek, version.blobId, label('OEF1/man'))
  const context = [version.bucketId, version.key, version.versionId, version.blobId.toString('hex')]
  return referenceSmall({ kind: 1, key, keyRef: version.blobId, salt: version.salt, context }, padded)
}

export interface ReferenceRecord {
  readonly root: Buffer
  readonly label: string
  readonly epoch: number
  readonly epochSalt: Buffer
  readonly counter: number
  readonly aad: Buffer
}

export function referenceRecord(record: ReferenceRecord, plaintext: Buffer): Buffer {
  const info = [label('CRC1/rec'), lp(Buffer.from(record.label)), u32(record.epoch)]
  const key = hkdf(record.root, record.epochSalt, ...info)
  const prefix = Buffer.concat([u32(record.epoch), u32(record.counter)])
  const nonce = Buffer.concat([Buffer.alloc(4), prefix])
  return Buffer.concat([prefix, gcm(key, nonce, Buffer.concat([prefix, record.aad]), plaintext)])
}

/** 32 bytes for a use of an instance key. */
export const referenceUseKey = (instanceKey: Buffer, use: string): Buffer =>
  hkdf(instanceKey, Buffer.alloc(32), label(`IKY1/${use}`))
