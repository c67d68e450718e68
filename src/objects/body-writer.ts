import { type ChecksumAlgorithm, createHasher, type Hasher } from '../base/checksums.ts'
import { type LayerKeys, sealLayers } from '../envelope/layers.ts'
import type { PartIdentity } from '../envelope/seal.ts'
import type { BlobId } from '../storage/blob/blob-store.ts'
import type { Draft } from './drafts.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { whilePermitted } from './while-permitted.ts'

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

/** The body of a write, taken only as long as the root key allows it: a long one is refused before it has all been stored. */
export function permittedBody({ clock }: Pick<Engine, 'clock'>, ask: () => Promise<void>, body: BodyInput): BodyInput {
  return { ...body, stream: whilePermitted(body.stream, { clock, ask, askedAtMs: clock.now() }) }
}

/**
 * Plaintext in, sealed blob out; hashes are taken on the way. Throws BadDigest or ChecksumMismatch after the bytes are
 * stored but before anything names them: the caller's Draft removes them.
 */
export async function writeBody(
  draft: Draft,
  keys: LayerKeys,
  identity: PartIdentity,
  body: BodyInput,
): Promise<WrittenBody> {
  if (body.lengthBytes !== undefined && body.lengthBytes > MAX_PART_BYTES) throw tooLarge()
  const md5 = createHasher('md5')
  const sum = body.checksum && createHasher(body.checksum.algorithm)
  const sealer = sealLayers(keys, identity)
  const plaintext = hashed(body.stream, sum ? [md5, sum] : [md5])

  const whole = body.lengthBytes !== undefined && body.lengthBytes <= WHOLE_BYTES
  const storedBytes = body.lengthBytes === undefined ? undefined : sealer.storedLength(body.lengthBytes)
  const info = whole
    ? await draft.put(sealer.bytes(await collect(plaintext)), storedBytes)
    : await draft.put(sealer.stream(plaintext), storedBytes)

  const digest = md5.digest()
  if (body.contentMd5 && !body.contentMd5.equals(digest)) {
    throw new ObjectsError('BadDigest', 'The Content-MD5 you specified did not match what we received.')
  }
  const result = { blob: info.id, sizeBytes: sealer.plainLength, partSalt: sealer.partSalt, md5: digest }
  if (!sum || !body.checksum) return result
  const value = sum.digest()
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

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

const tooLarge = (): ObjectsError =>
  new ObjectsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed object size.', {
    details: { maxSizeAllowed: MAX_PART_BYTES },
  })
