import { random16 } from '../base/ids.ts'
import { keyedEtag } from '../envelope/customer-key.ts'
import { type BodyInput, permittedBody, type WrittenBody, writeBody } from './body-writer.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { checkConditions, commitVersion, currentBucket } from './commit-version.ts'
import { isConditional, type WriteConditions } from './conditions.ts'
import { type Attributes, type Manifest, type StoredChecksum, sealSummary } from './content.ts'
import { type ContentKeys, contextOf, newContentKeys } from './content-keys.ts'
import type { Encrypting, Sealing } from './encrypting.ts'
import type { Engine } from './engine.ts'
import { type Protection, protectionOf } from './key-slots.ts'
import { headKey, SPACE } from './keyspace.ts'
import { checkNewLock } from './object-lock.ts'
import { type ObjectProperties, sealProperties } from './object-properties.ts'
import type { ReplicaOf } from './replication/replica.ts'
import { verifiedSealed } from './replication/sealed-format.ts'
import { storeManifest } from './seal-manifest.ts'
import { slotForWrite } from './slot-choice.ts'

export interface PutInput {
  readonly bucket: Bucket
  readonly key: string
  readonly body: BodyInput
  readonly attributes: Attributes
  readonly conditions: WriteConditions
  readonly properties?: ObjectProperties
  /** Default: as the bucket has it. */
  readonly encrypting?: Encrypting
  /** It is a copy of a version elsewhere. */
  readonly replica?: ReplicaOf | undefined
}

export interface PutResult {
  /** Without quotes. */
  readonly etag: string
  readonly versionId: string
  readonly modifiedAtMs: number
  readonly sizeBytes: number
  readonly checksum?: StoredChecksum
  readonly protection: Protection
}

/** S3: the ETag of a plain object is the MD5 of its plaintext, under customer-managed keys too (as IBM answers). */
export async function putObject(engine: Engine, keys: BucketKeys, input: PutInput): Promise<PutResult> {
  const { key, attributes, conditions, encrypting = {}, replica } = input
  const wants = currentBucket(engine, input.bucket)
  checkNewLock(engine, wants, input.properties)
  if (isConditional(conditions)) {
    // Refused before the body is read; decided again at the commit.
    await checkConditions(keys, wants, key, conditions, await engine.metadata.get(SPACE.head, headKey(wants.id, key)))
  }

  await engine.quotas.foresee(wants, key, input.body.lengthBytes)

  const blobId = random16()
  const { bucket, slot } = await slotForWrite(engine, keys, wants, encrypting)
  using content = await newContentKeys(keys, { bucket, key, blobId }, slot, encrypting)
  await using draft = engine.drafts.begin(input.properties?.storageClass)
  const identity = { bucketId: bucket.id, key, blobId, partNumber: 0 }
  const inItsSlot = encrypting.rootKey !== undefined
  const ask = () => keys.permit(bucket, 'wrap', inItsSlot ? slot : undefined)
  const body = await writeBody(draft, content, identity, permittedBody(engine, ask, withoutDamage(input)))

  const checksum = fullChecksum(body)
  const manifest: Manifest = {
    ...attributes,
    etag: etagOf(body, content, encrypting),
    sizeBytes: body.sizeBytes,
    parts: [{ number: 0, sizeBytes: body.sizeBytes, salt: body.partSalt }],
    ...(checksum ? { checksum } : {}),
  }
  const { etag } = manifest
  const seal = (versionId: string) => storeManifest(draft, content.dek, { bucket, key, versionId, blobId }, manifest)
  using cipher = await keys.summaryCipher(bucket)
  const modifiedAtMs = replica?.modifiedAtMs ?? engine.clock.now()
  const record = {
    sizeBytes: replica?.sealedSizeBytes ?? body.sizeBytes,
    modifiedAtMs,
    blobId,
    wrappedDek: content.wrapped,
    sealing: sealingOf(content, replica),
    data: { blob: body.blob },
    summary: sealSummary(cipher, bucket, key, blobId, 0, checksum ? { etag, checksum } : { etag }),
    properties: sealProperties(cipher, bucket, key, blobId, input.properties ?? {}),
  }
  const rewrap = async (now: Bucket) => {
    const place = await slotForWrite(engine, keys, now, encrypting)
    return keys.wrapDek(place.bucket, key, blobId, content.secret, place.slot, contextOf(encrypting))
  }
  const made = { bucket, key, record, etag, seal, conditions, inItsSlot, rewrap, replica }
  const committed = await commitVersion(engine, keys, draft, made)
  const protection = protectionOf(committed.bucket, committed.record)
  const { versionId } = committed.record
  const result = { etag, versionId, modifiedAtMs, sizeBytes: body.sizeBytes, protection }
  return checksum ? { ...result, checksum } : result
}

/** What comes as a sealed replica is compared with what it says of itself, and stored as it is. */
function withoutDamage({ body, key, replica }: PutInput): BodyInput {
  if (replica?.sealedSizeBytes === undefined) return body
  const announced = { key, versionId: replica.versionId, sizeBytes: replica.sealedSizeBytes }
  return { ...body, stream: verifiedSealed(body.stream, announced) }
}

export const sealingOf = ({ sealing }: { readonly sealing: Sealing }, replica: ReplicaOf | undefined): Sealing =>
  replica?.sealedSizeBytes === undefined ? sealing : { ...sealing, foreign: true }

/** S3: with a key that its customer keeps the ETag tells nothing of the content. */
export const etagOf = (
  { md5 }: Pick<WrittenBody, 'md5'>,
  { dek }: Pick<ContentKeys, 'dek'>,
  { customerKey }: Encrypting,
) => (customerKey ? keyedEtag(dek, md5) : md5).toString('hex')

export function fullChecksum(body: WrittenBody): StoredChecksum | undefined {
  if (!body.checksum) return undefined
  const { algorithm, digest } = body.checksum
  return { algorithm, type: 'FULL_OBJECT', value: digest.toString('base64') }
}
