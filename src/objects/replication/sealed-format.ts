import { createHasher, type Hasher } from '../../base/checksums.ts'
import type { ByteRange } from '../byte-range.ts'
import { ObjectsError } from '../errors.ts'
import { objectOf } from '../record-codec.ts'

/** A DEK as it lies in its own bucket: under a root key, or under a bucket key that lies under one. */
export interface ForeignDek {
  readonly bucketId: string
  readonly blobId: Buffer
  readonly rootKeyCrn: string
  readonly keyVersion: string
  readonly ciphertext: Buffer
  readonly context?: string
  readonly bucketKey?: { readonly keyId: string; readonly keyVersion: string; readonly ciphertext: Buffer }
}

export interface SealedPiece {
  readonly lengthBytes: number
  /** SHA-256, as it lies there: whoever has no key compares with that. */
  readonly sha256: Buffer
}

/** What a sealed replica says of itself: nothing of the content but its name and size. */
export interface SealedHeader {
  readonly dek: ForeignDek
  readonly key: string
  readonly versionId: string
  /** Of the plaintext. */
  readonly sizeBytes: number
  readonly manifest: SealedPiece
  readonly parts: readonly (SealedPiece & { readonly number: number })[]
}

/** A version as its bucket has it sealed, with all that its root key's owner needs to open it elsewhere. */
export interface SealedReplica {
  readonly lengthBytes: number
  readonly read: (range: ByteRange) => AsyncIterable<Buffer>
}

const MAGIC = Buffer.from('CSR1', 'latin1')
const VERSION = 1
/** Magic and length of the header. */
const PREFIX_BYTES = 8
/** Of 10,000 parts. */
const MAX_HEADER_BYTES = 2 * 1024 ** 2
const DIGEST_BYTES = 32

/** `CSR1 ‖ u32(length) ‖ JSON`; then the sealed manifest and the parts, as they are stored. */
export function encodeSealedHeader({ dek, manifest, parts, ...rest }: SealedHeader): Buffer {
  const { blobId, ciphertext, bucketKey, ...plain } = dek
  const json = {
    ...{ v: VERSION, ...rest, ...plain, blobId: blobId.toString('hex'), dek: ciphertext.toString('base64') },
    ...(bucketKey ? { bucketKey: { ...bucketKey, ciphertext: bucketKey.ciphertext.toString('base64') } } : {}),
    manifest: [manifest.lengthBytes, manifest.sha256.toString('hex')],
    parts: parts.map(({ number, lengthBytes, sha256 }) => [number, lengthBytes, sha256.toString('hex')]),
  }
  const text = Buffer.from(JSON.stringify(json), 'utf8')
  const prefix = Buffer.alloc(PREFIX_BYTES)
  MAGIC.copy(prefix)
  prefix.writeUInt32BE(text.length, MAGIC.length)
  return Buffer.concat([prefix, text])
}

export interface OpenedHeader {
  readonly header: SealedHeader
  /** Where the sealed manifest begins. */
  readonly bodyStart: number
}

/** Where the header ends, as far as its first bytes say. */
function endOf(prefix: Buffer): number {
  if (prefix.length < PREFIX_BYTES) return PREFIX_BYTES
  const length = prefix.readUInt32BE(MAGIC.length)
  if (!prefix.subarray(0, MAGIC.length).equals(MAGIC) || length > MAX_HEADER_BYTES) throw invalid()
  return PREFIX_BYTES + length
}

/** Collects chunks until the header is whole, whatever they are cut into; then all that came. Throws SealedReplicaInvalid. */
function headerCollector(): (chunk: Buffer) => (OpenedHeader & { readonly bytes: Buffer }) | undefined {
  const chunks: Buffer[] = []
  let length = 0
  let needed = PREFIX_BYTES
  return (chunk) => {
    chunks.push(Buffer.from(chunk))
    length += chunk.length
    while (length >= needed) {
      const bytes = Buffer.concat(chunks)
      const end = endOf(bytes)
      if (end <= needed) return opened(bytes)
      needed = end
    }
    return undefined
  }
}

function opened(bytes: Buffer): (OpenedHeader & { readonly bytes: Buffer }) | undefined {
  const header = decodeSealedHeader(bytes)
  return header && { ...header, bytes }
}

/** Undefined: more bytes are needed. Throws SealedReplicaInvalid. */
export function decodeSealedHeader(bytes: Buffer): OpenedHeader | undefined {
  const bodyStart = endOf(bytes)
  if (bytes.length < Math.max(bodyStart, PREFIX_BYTES + 1)) return undefined
  try {
    return { header: headerFrom(JSON.parse(bytes.toString('utf8', PREFIX_BYTES, bodyStart))), bodyStart }
  } catch (cause) {
    throw invalid(cause)
  }
}

export async function readSealedHeader(
  read: (range: ByteRange) => AsyncIterable<Buffer>,
  lengthBytes: number,
): Promise<OpenedHeader> {
  const collect = headerCollector()
  for await (const chunk of read({ start: 0, end: Math.min(PREFIX_BYTES + MAX_HEADER_BYTES, lengthBytes) })) {
    const found = collect(chunk)
    if (found) return found
  }
  throw invalid()
}

/** The pieces behind the header, one after the other. */
export const piecesOf = ({ manifest, parts }: SealedHeader): readonly SealedPiece[] => [manifest, ...parts]

/**
 * Passes a sealed replica on and compares it with what it says of itself, which takes no key. Throws SealedReplicaInvalid
 * before its last bytes are passed on when it is another one than was announced, or not whole.
 */
export async function* verifiedSealed(
  stream: AsyncIterable<Buffer>,
  expected: Pick<SealedHeader, 'key' | 'versionId' | 'sizeBytes'>,
): AsyncGenerator<Buffer> {
  const collect = headerCollector()
  let verify: ((chunk: Buffer) => void) | undefined
  let isWhole = (): boolean => false
  for await (const chunk of stream) {
    if (verify) verify(chunk)
    else {
      const found = collect(chunk)
      if (!found) {
        yield chunk
        continue
      }
      const { header, bodyStart, bytes } = found
      const { key, versionId, sizeBytes } = expected
      if (header.key !== key || header.versionId !== versionId || header.sizeBytes !== sizeBytes) throw invalid()
      const verifier = pieceVerifier(piecesOf(header))
      isWhole = verifier.isWhole
      verify = verifier.update
      verify(bytes.subarray(bodyStart))
    }
    yield chunk
  }
  if (!isWhole()) throw invalid()
}

function pieceVerifier(pieces: readonly SealedPiece[]) {
  let index = 0
  let left = pieces[0]?.lengthBytes ?? 0
  let hasher: Hasher = createHasher('sha256')
  return {
    update: (chunk: Buffer): void => {
      for (let rest = chunk; rest.length > 0; ) {
        const piece = pieces[index]
        if (!piece) throw invalid()
        const taken = rest.subarray(0, left)
        hasher.update(taken)
        left -= taken.length
        rest = rest.subarray(taken.length)
        if (left > 0) return
        if (!hasher.digest().equals(piece.sha256)) throw invalid()
        hasher = createHasher('sha256')
        index++
        left = pieces[index]?.lengthBytes ?? 0
      }
    },
    isWhole: (): boolean => index === pieces.length,
  }
}

const invalid = (cause?: unknown): ObjectsError =>
  new ObjectsError('SealedReplicaInvalid', 'The sealed replica is not whole, or not the one that was announced.', {
    cause,
  })

function headerFrom(value: unknown): SealedHeader {
  const json = objectOf(value)
  if (json['v'] !== VERSION) throw new Error('another version')
  const bucketKey = json['bucketKey'] === undefined ? undefined : objectOf(json['bucketKey'])
  return {
    key: string(json, 'key'),
    versionId: string(json, 'versionId'),
    sizeBytes: count(json['sizeBytes']),
    manifest: piece(json['manifest']),
    parts: list(json['parts']).map((part) => {
      const [number, ...rest] = list(part)
      return { number: count(number), ...piece(rest) }
    }),
    dek: {
      bucketId: string(json, 'bucketId'),
      blobId: Buffer.from(string(json, 'blobId'), 'hex'),
      rootKeyCrn: string(json, 'rootKeyCrn'),
      keyVersion: string(json, 'keyVersion'),
      ciphertext: Buffer.from(string(json, 'dek'), 'base64'),
      ...(json['context'] === undefined ? {} : { context: string(json, 'context') }),
      ...(bucketKey
        ? {
            bucketKey: {
              keyId: string(bucketKey, 'keyId'),
              keyVersion: string(bucketKey, 'keyVersion'),
              ciphertext: Buffer.from(string(bucketKey, 'ciphertext'), 'base64'),
            },
          }
        : {}),
    },
  }
}

function piece(value: unknown): SealedPiece {
  const [lengthBytes, digest] = list(value)
  const sha256 = Buffer.from(typeof digest === 'string' ? digest : '', 'hex')
  // A piece without bytes would end before it began.
  if (count(lengthBytes) === 0 || sha256.length !== DIGEST_BYTES) throw new Error('not a piece')
  return { lengthBytes: count(lengthBytes), sha256 }
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error('not a list')
  return value
}

function string(json: Record<string, unknown>, name: string): string {
  const value = json[name]
  if (typeof value !== 'string') throw new Error(`no ${name}`)
  return value
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Error('not a number')
  return value
}
