import { type ChecksumAlgorithm, createHasher, type HashAlgorithm, type Hasher, hashOf } from '../base/checksums.ts'
import { type LayerKeys, sealLayers } from '../envelope/layers.ts'
import type { PartIdentity } from '../envelope/seal.ts'
import type { BlobId, BlobInfo } from '../storage/blob/blob-store.ts'
import type { Draft } from './drafts.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { type Permission, permissionWatch, whilePermitted } from './while-permitted.ts'

/** The largest body of one PUT or part: 5 GiB, S3's limit and far below the format's (2^32 segments). */
export const MAX_PART_BYTES = 5 * 1024 ** 3

/** Bodies up to this size are sealed in one go and handed to the store as a whole. */
const WHOLE_BYTES = 256 * 1024

export interface BodyInput {
  readonly stream: AsyncIterable<Buffer>
  /** Undefined only when the client didn't say; the end of the stream decides. */
  readonly lengthBytes: number | undefined
  readonly contentMd5?: Buffer
  readonly checksum?: {
    readonly algorithm: ChecksumAlgorithm
    /** Asked after the end of the stream, because a trailer may carry it. Undefined: nothing to compare with. */
    readonly expected: () => Buffer | undefined
  }
}

export interface WrittenBody {
  readonly blob: BlobId
  readonly sizeBytes: number
  readonly partSalt: Buffer
  readonly md5: Buffer
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly digest: Buffer }
}

/** A body that is taken only as long as this is allowed. */
export interface PermittedBody extends BodyInput {
  readonly permission: Permission
}

/** The body of a write, taken only as long as the root key allows it: a long one is refused before it has all been stored. */
export function permittedBody(
  { clock }: Pick<Engine, 'clock'>,
  ask: () => Promise<void>,
  body: BodyInput,
): PermittedBody {
  return { ...body, permission: { clock, ask, askedAtMs: clock.now() } }
}

/**
 * Plaintext in, sealed blob out; hashes are taken on the way. Throws BadDigest or ChecksumMismatch after the bytes are
 * stored but before anything names them: the caller's Draft removes them.
 */
export async function writeBody(
  draft: Draft,
  keys: LayerKeys,
  identity: PartIdentity,
  body: PermittedBody,
): Promise<WrittenBody> {
  const { lengthBytes } = body
  if (lengthBytes !== undefined && lengthBytes > MAX_PART_BYTES) throw tooLarge()
  const sealer = sealLayers(keys, identity)
  const storedBytes = lengthBytes === undefined ? undefined : sealer.storedLength(lengthBytes)
  const sumOf = body.checksum?.algorithm
  let digest: Buffer
  let value: Buffer | undefined
  let info: BlobInfo
  if (lengthBytes !== undefined && lengthBytes <= WHOLE_BYTES) {
    const chunks = await collect(body)
    digest = digestOf('md5', chunks)
    value = sumOf && digestOf(sumOf, chunks)
    info = await draft.put(sealer.bytes(chunks), storedBytes)
  } else {
    const md5 = createHasher('md5')
    const sum = sumOf && createHasher(sumOf)
    const plaintext = hashed(whilePermitted(body.stream, body.permission), sum ? [md5, sum] : [md5])
    info = await draft.put(sealer.stream(plaintext), storedBytes)
    digest = md5.digest()
    value = sum?.digest()
  }

  if (body.contentMd5 && !body.contentMd5.equals(digest)) {
    throw new ObjectsError('BadDigest', 'The Content-MD5 you specified did not match what we received.')
  }
  const result = { blob: info.id, sizeBytes: sealer.plainLength, partSalt: sealer.partSalt, md5: digest }
  if (!value || !body.checksum) return result
  const expected = body.checksum.expected()
  if (expected && !expected.equals(value)) {
    throw new ObjectsError('ChecksumMismatch', 'The checksum you specified did not match what we received.', {
      details: { algorithm: body.checksum.algorithm },
    })
  }
  return { ...result, checksum: { algorithm: body.checksum.algorithm, digest: value } }
}

async function* hashed(stream: AsyncIterable<Buffer>, hashers: readonly Hasher[]): AsyncGenerator<Buffer> {
  let total = 0
  for await (const chunk of stream) {
    total += chunk.length
    if (total > MAX_PART_BYTES) throw tooLarge()
    for (const hasher of hashers) hasher.update(chunk)
    yield chunk
  }
}

/** One loop, where hashing and asking on the way would each be a stream around the other. */
async function collect({ stream, permission }: PermittedBody): Promise<Buffer[]> {
  const due = permissionWatch(permission)
  const chunks: Buffer[] = []
  let total = 0
  for await (const chunk of stream) {
    const asked = due()
    if (asked !== undefined) await asked
    total += chunk.length
    if (total > MAX_PART_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  return chunks
}

function digestOf(algorithm: HashAlgorithm, chunks: readonly Buffer[]): Buffer {
  const [only] = chunks
  if (only && chunks.length === 1) return hashOf(algorithm, only)
  const hasher = createHasher(algorithm)
  for (const chunk of chunks) hasher.update(chunk)
  return hasher.digest()
}

const tooLarge = (): ObjectsError =>
  new ObjectsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed object size.', {
    details: { maxSizeAllowed: MAX_PART_BYTES },
  })
