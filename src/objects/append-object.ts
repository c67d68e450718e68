import { hasCode } from '../base/errors.ts'
import type { RecordCipher } from '../base/nonces.ts'
import type { BlobId } from '../storage/blob/blob-store.ts'
import type { Token, Write } from '../storage/metadata/metadata-store.ts'
import { appendedChecksum, appendedEtag, formerParts } from './appended-summary.ts'
import { type BodyInput, permittedBody, type WrittenBody, writeBody } from './body-writer.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { checkConditions, commitOrLeave, currentBucket } from './commit-version.ts'
import { type Manifest, type ManifestPart, type Summary, sealSummary } from './content.ts'
import { type ContentKeys, openContentKeys } from './content-keys.ts'
import type { Draft } from './drafts.ts'
import { type Engine, encodeOwner } from './engine.ts'
import { ObjectsError, type ObjectsErrorCode } from './errors.ts'
import { type ChangeTarget, type FoundVersion, findObject, isConfirmed } from './find-version.ts'
import { protectionOf } from './key-slots.ts'
import { readKey } from './key-versions.ts'
import { blobKey, headKey, partKey, partNumberOf, rowsUnder, SPACE } from './keyspace.ts'
import { copied } from './move-to-class.ts'
import { createdBy } from './notifications/event.ts'
import { assertRemovable, mayKeep } from './object-lock.ts'
import { asDamage } from './open-object.ts'
import { permitVersion } from './permit-version.ts'
import { etagOf, type PutInput, type PutResult, putObject } from './put-object.ts'
import { decodeObject, encodeObject, encodePart, type ObjectRecord } from './records.ts'
import { loadManifest, storeManifest } from './seal-manifest.ts'
import { usageWrites } from './usage.ts'

export interface AppendInput extends PutInput {
  /** Where the object ends as it is; 0 makes it when there is none. */
  readonly offsetBytes: number
  readonly confirm?: ChangeTarget['confirm']
}

/** As of an upload. */
const MAX_PARTS = 10_000
/** Each but the first means that the object was rewrapped, or something else was said of it, meanwhile. */
const MAX_ATTEMPTS = 50
const PAGE = 1000

/**
 * Adds bytes to the end of an object: a new part under the object's own keys, and one commit that names it. What was there
 * is neither read nor written, and the object keeps its headers, metadata, tags and rights. Throws InvalidWriteOffset,
 * TooManyParts, and AppendRefused in a bucket with versions or protection.
 */
export async function appendObject(engine: Engine, keys: BucketKeys, input: AppendInput): Promise<PutResult> {
  const bucket = appendable(engine, input.bucket)
  const head = await engine.metadata.get(SPACE.head, headKey(bucket.id, input.key))
  if (!head && input.offsetBytes === 0) {
    // Not confirmed: there is an object by now.
    if (!(await isConfirmed(input, undefined))) throw wrongOffset()
    return await made(engine, keys, input)
  }
  using object = await openEnd(engine, keys, bucket, input)
  const ask = permitVersion(engine, keys, { bucket, key: input.key }, object.record, 'wrap')
  await ask()
  await engine.quotas.foresee(bucket, input.key, input.offsetBytes + (input.body.lengthBytes ?? 0))
  const { storageClass } = object.record.properties
  await using draft = engine.drafts.begin(storageClass)
  const part = await writePart(engine, ask, draft, bucket, input, object)
  using cipher = await keys.summaryCipher(bucket)
  return await commitPart(engine, keys, cipher, { bucket, input, object, part, draft, storageClass })
}

/** Two that make the object at the same time: the second one would have to append. */
async function made(engine: Engine, keys: BucketKeys, input: AppendInput): Promise<PutResult> {
  const { ifMatch, ifNoneMatch } = input.conditions
  try {
    return await putObject(engine, keys, ifMatch ? input : { ...input, conditions: { ifNoneMatch: '*' } })
  } catch (error) {
    const asked = ifMatch !== undefined || ifNoneMatch !== undefined
    throw !asked && hasCode<ObjectsErrorCode>(error, 'PreconditionFailed') ? wrongOffset() : error
  }
}

function appendable(engine: Engine, bucket: Bucket): Bucket {
  const now = currentBucket(engine, bucket)
  if (now.versioning === undefined && !mayKeep(engine, now)) return now
  throw new ObjectsError(
    'AppendRefused',
    'Objects of a bucket with versions, or that are retained, cannot be appended to.',
  )
}

interface Opened extends Disposable {
  readonly record: ObjectRecord
  readonly manifest: Manifest
  readonly content: ContentKeys
}

async function openEnd(engine: Engine, keys: BucketKeys, bucket: Bucket, input: AppendInput): Promise<Opened> {
  const { key, offsetBytes, encrypting = {} } = input
  for (let attempt = 1; ; attempt++) {
    using scope = new DisposableStack()
    const { found } = scope.use(
      await engine.garbage.pin(async () => pinnable(await findObject(engine, { bucket, key }))),
    )
    const { record } = found
    // Nothing is appended to any other than this one.
    if (!(await isConfirmed(input, record))) {
      if (attempt === MAX_ATTEMPTS) throw new ObjectsError('BucketBusy', 'the object changed at the same time')
      continue
    }
    if (record.sizeBytes !== offsetBytes) throw wrongOffset()
    const { blobId, versionId } = record
    try {
      const content = scope.use(await openContentKeys(keys, { bucket, key, blobId }, record, encrypting.customerKey))
      const envelope = { bucket, key, versionId, blobId }
      const manifest = await loadManifest(engine.blobs, content.dek, envelope, record.manifest)
      const held = scope.move()
      return { record, manifest, content, [Symbol.dispose]: () => held.dispose() }
    } catch (error) {
      // What wrapped the DEK may be gone by now, for it was rewrapped since the look at the row.
      const now = await engine.metadata.get(SPACE.head, headKey(bucket.id, key))
      if (attempt === MAX_ATTEMPTS || now?.token === found.row.token) throw asDamage(error)
    }
  }
}

const pinnable = (found: FoundVersion<ObjectRecord>) => ({ ...found, blobId: found.record.blobId })

interface NewPart {
  readonly number: number
  readonly written: WrittenBody
  /** Of the part alone. */
  readonly summary: Summary
}

async function writePart(
  engine: Engine,
  ask: () => Promise<void>,
  draft: Draft,
  bucket: Bucket,
  input: AppendInput,
  { record, manifest, content }: Opened,
): Promise<NewPart> {
  const number = await freeNumber(engine, record.blobId, manifest)
  if (number > MAX_PARTS || manifest.parts.length >= MAX_PARTS) {
    throw new ObjectsError('TooManyParts', 'The object has as many parts as it can have.')
  }
  const identity = { bucketId: bucket.id, key: input.key, blobId: record.blobId, partNumber: number }
  const body = permittedBody(engine, ask, withChecksum(input.body, manifest))
  const written = await writeBody(draft, content, identity, body)
  // A slow body must not outlive the permission it started with.
  await ask()
  const etag = etagOf(written, content, input.encrypting ?? {})
  const { checksum } = written
  const own = checksum && { algorithm: checksum.algorithm, value: checksum.digest.toString('base64') }
  return { number, written, summary: { etag, ...(own ? { checksum: { ...own, type: 'FULL_OBJECT' } } : {}) } }
}

/** Behind the last part. What was uploaded and not listed has its row until the collector gets to it. */
async function freeNumber({ metadata }: Engine, envelope: Buffer, { parts }: Manifest): Promise<number> {
  let number = Math.max(...parts.map((part) => part.number)) + 1
  const { lt } = rowsUnder(envelope)
  for (;;) {
    const rows = await metadata.range(SPACE.part, { gte: partKey(envelope, number), lt, limit: PAGE })
    for (const { key } of rows) {
      if (partNumberOf(key) !== number) return number
      number++
    }
    if (rows.length < PAGE) return number
  }
}

/** Of the algorithm that the object has: without it nothing could be said of the whole any more. */
function withChecksum(body: BodyInput, { checksum: has }: Manifest): BodyInput {
  const { checksum: given } = body
  if (!has) return body
  if (!given) return { ...body, checksum: { algorithm: has.algorithm, expected: () => undefined } }
  if (given.algorithm === has.algorithm) return body
  throw new ObjectsError(
    'ChecksumTypeMismatch',
    `Checksum Type mismatch occurred, expected checksum Type: ${has.algorithm}, actual checksum Type: ${given.algorithm}`,
  )
}

interface Appending {
  readonly bucket: Bucket
  readonly input: AppendInput
  readonly object: Opened
  readonly part: NewPart
  /** Has the part's bytes, in the store of this class. */
  readonly draft: Draft
  readonly storageClass: string | undefined
}

async function commitPart(
  engine: Engine,
  keys: BucketKeys,
  cipher: RecordCipher,
  { bucket: { name }, input, object, part, draft, storageClass }: Appending,
): Promise<PutResult> {
  const { key, conditions } = input
  const { number, written, summary } = part
  const former = object.manifest
  const parts: ManifestPart[] = [
    ...formerParts(former),
    {
      ...{ number, sizeBytes: written.sizeBytes, salt: written.partSalt },
      ...(former.checksum && summary.checksum ? { checksum: summary.checksum.value } : {}),
    },
  ]
  const checksum = appendedChecksum(former, written)
  const { checksum: _, ...described } = former
  const whole: Summary = {
    etag: appendedEtag(former.etag, summary.etag, parts.length),
    ...(checksum ? { checksum } : {}),
  }
  const sizeBytes = former.sizeBytes + written.sizeBytes
  const { blobId, versionId } = object.record
  const manifest: Manifest = { ...described, ...whole, sizeBytes, parts }
  const bucketOf = () => appendable(engine, input.bucket)
  const envelope = { bucket: bucketOf(), key, versionId, blobId }
  const store = (to: Draft) => storeManifest(to, object.content.dek, envelope, manifest)
  await using drafts = new AsyncDisposableStack()
  let placed = { draft, storageClass, blob: written.blob, manifest: await store(draft) }
  const modifiedAtMs = engine.clock.now()
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const bucket = bucketOf()
    const state = await readKey(engine.metadata, bucket, key)
    const row = state.head
    const current = row && decodeObject(row.value)
    // Another append, or another object.
    if (!row || !current?.blobId.equals(blobId) || current.sizeBytes !== former.sizeBytes) throw wrongOffset()
    assertRemovable([current], modifiedAtMs)
    await checkConditions(keys, bucket, key, conditions, row)
    const { storageClass: inClass } = current.properties
    if (inClass !== placed.storageClass) {
      // Moved meanwhile, and nothing would ever look for what comes to it in the store of its former class.
      const to = drafts.use(engine.drafts.begin(inClass))
      const blob = await copied(engine, to, written.blob)
      placed = { draft: to, storageClass: inClass, blob, manifest: await store(to) }
      continue
    }
    const seal = (part: number, said: Summary) => sealSummary(cipher, bucket, key, blobId, part, said)
    const next: ObjectRecord = {
      ...current,
      ...{
        sizeBytes,
        modifiedAtMs,
        data: { partCount: parts.length },
        manifest: placed.manifest,
        summary: seal(0, whole),
      },
    }
    const { partSalt } = written
    const added = { sizeBytes: written.sizeBytes, modifiedAtMs, blob: placed.blob, partSalt, appended: true } as const
    const created = { name: createdBy(keys.asker), key, sizeBytes, etag: whole.etag, versionId }
    const events = engine.notifications.writes(bucket, keys.asker, created)
    const writes: Write[] = [
      engine.buckets.fence(bucket),
      { type: 'put', space: SPACE.head, key: row.key, value: encodeObject(next), if: row.token },
      ...(await plainAsPart(engine, current, former, seal)),
      ...partWrites(blobId, number, encodePart({ ...added, summary: seal(number, summary) }), placed.blob),
      ...('blob' in placed.manifest ? [owned(placed.manifest.blob, SPACE.head, row.key)] : []),
      ...('blob' in current.manifest
        ? [engine.garbage.entry({ blobs: [current.manifest.blob], blobId: blobId.toString('hex') })]
        : []),
      ...usageWrites(bucket.id, { removed: [current], added: [next] }),
      ...events,
    ]
    using _room = await engine.quotas.reserve(bucket, key, state, written.sizeBytes)
    if (await commitOrLeave(engine, placed.draft, writes)) {
      placed.draft.keep()
      if (events.length > 0) engine.notifications.wake()
      if ('blob' in current.manifest) engine.garbage.collect()
      return { ...whole, versionId, modifiedAtMs, sizeBytes, protection: protectionOf(bucket, next) }
    }
    await engine.buckets.refresh(name)
  }
  throw new ObjectsError('BucketBusy', 'the object changed at the same time')
}

/** The bytes of a plain object become its part 0, which has a row like any other. */
async function plainAsPart(
  engine: Engine,
  { data, blobId, modifiedAtMs }: ObjectRecord,
  { etag, checksum, parts, sizeBytes }: Manifest,
  seal: (part: number, summary: Summary) => Buffer,
): Promise<Write[]> {
  const [only] = parts
  if (!('blob' in data) || !only) return []
  const summary = seal(only.number, checksum ? { etag, checksum } : { etag })
  const record = { sizeBytes, modifiedAtMs, blob: data.blob, partSalt: only.salt, summary }
  const owner = await engine.metadata.get(SPACE.blob, blobKey(data.blob))
  return partWrites(blobId, only.number, encodePart(record), data.blob, owner?.token)
}

function partWrites(envelope: Buffer, number: number, value: Buffer, blob: BlobId, token?: Token): Write[] {
  const key = partKey(envelope, number)
  return [{ type: 'put', space: SPACE.part, key, value, if: null }, owned(blob, SPACE.part, key, token)]
}

const owned = (blob: BlobId, space: number, key: Buffer, token: Token | null = null): Write => ({
  type: 'put',
  space: SPACE.blob,
  key: blobKey(blob),
  value: encodeOwner({ space, key }),
  if: token,
})

const wrongOffset = (): ObjectsError =>
  new ObjectsError(
    'InvalidWriteOffset',
    'The write offset value that you specified does not match the current object size.',
  )
