import { random16 } from '../base/ids.ts'
import type { Entry, Write } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { checkConditions, commitOrLeave, currentBucket, garbageOf } from './commit-version.ts'
import type { WriteConditions } from './conditions.ts'
import { type NewContentKeys, newContentKeys } from './content-keys.ts'
import type { Draft } from './drafts.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { findObject } from './find-version.ts'
import { destinationOf, findSlot, slotOf } from './key-slots.ts'
import { headKey, SPACE } from './keyspace.ts'
import { assertRemovable, mayKeep } from './object-lock.ts'
import { type OpenObject, openObject } from './open-object.ts'
import { permitVersion } from './permit-version.ts'
import { decodeObject, encodeObject, type ObjectRecord } from './records.ts'
import { type Resealed, reseal } from './reseal.ts'
import { sealedProperties, tagsOf } from './seal-properties.ts'
import { usageWrites } from './usage.ts'

interface State {
  readonly etag: string
  readonly modifiedAtMs: number
}

export interface RenameInput {
  readonly bucket: Bucket
  readonly from: string
  readonly to: string
  /** Of what has the new name. */
  readonly conditions: WriteConditions
  /** Asked of the object; throws when it is not to be renamed. */
  readonly check: (object: State) => void | Promise<void>
  /** The same renaming, asked for again with this token, is done already. */
  readonly token?: string | undefined
  /** Of what has the old name, and of what has the new one and would be replaced: as of every other change. */
  readonly confirm?: (key: string, blobId: Buffer | undefined) => Promise<boolean>
}

/** Each but the first means that the object was rewrapped, or something else was said of it, meanwhile. */
const MAX_ATTEMPTS = 50
/** Each but the first means that the object was moved to another storage class while its bytes were sealed anew. */
const MAX_STARTS = 5

/**
 * Gives an object another name in one commit: at no time has it both or none. Its keys are bound to its name, so its bytes
 * are sealed anew, part by part; all that a client sees of it stays. Throws NoSuchKey, RenameRefused in a bucket with
 * versions, RenameTokenUsed.
 */
export async function renameObject(engine: Engine, keys: BucketKeys, input: RenameInput): Promise<void> {
  for (let start = 0; start < MAX_STARTS; start++) {
    if (await tryToRename(engine, keys, input)) return
  }
  throw changed()
}

/** False when its bytes would lie in another store than the one of its class. */
async function tryToRename(engine: Engine, keys: BucketKeys, input: RenameInput): Promise<boolean> {
  const { from, to } = input
  const bucket = unversioned(engine, input.bucket)
  if (from === to) throw new ObjectsError('RenameRefused', 'The object has this name already.')
  if (await isDone(engine, bucket, input)) return true
  const { record } = await findObject(engine, { bucket, key: from })
  if ((await input.confirm?.(from, record.blobId)) === false) throw changed()
  using object = await openObject(engine, keys, { bucket, key: from })
  if (!object.blobId.equals(record.blobId)) throw changed()
  await input.check({ etag: object.manifest.etag, modifiedAtMs: object.modifiedAtMs })
  const blobId = random16()
  const source = await sourceNow(engine, input, record)
  const { context } = source.record.wrappedDek
  const twice = record.sealing.outerKey !== undefined
  const place = { bucket: source.bucket, key: to, blobId }
  using content = await newContentKeys(keys, place, source.slot, { twice }, context)
  const { storageClass } = source.record.properties
  await using draft = engine.drafts.begin(storageClass)
  const ask = permitVersion(engine, keys, { bucket: source.bucket, key: from }, source.record, 'wrap')
  const resealing = { object, record: source.record, bucket: source.bucket, key: to, blobId, content, ask }
  await using resealed = await reseal(engine, keys, draft, resealing)
  return await commitName(engine, keys, draft, { input, object, source, content, storageClass }, resealed)
}

interface Source {
  readonly bucket: Bucket
  readonly row: Entry
  readonly record: ObjectRecord
  /** What the DEK of the new name belongs under. */
  readonly slot: number
}

/** The object as it is now, which may have been rewrapped. Throws when it was written, appended to, or is gone. */
async function sourceNow(engine: Engine, input: RenameInput, as: ObjectRecord): Promise<Source> {
  for (let attempt = 1; ; attempt++) {
    const bucket = unversioned(engine, input.bucket)
    const row = await engine.metadata.get(SPACE.head, headKey(bucket.id, input.from))
    const record = row && decodeObject(row.value)
    // An append, be it of nothing, seals another summary.
    if (!row || !record?.blobId.equals(as.blobId) || !record.summary.equals(as.summary)) throw changed()
    const { slot: id } = record.wrappedDek
    // One that the bucket got after the look at it.
    const slot = attempt < MAX_ATTEMPTS ? findSlot(bucket, id) : slotOf(bucket, id)
    if (slot) return { bucket, row, record, slot: destinationOf(bucket, slot).id }
    await engine.buckets.refresh(bucket.name)
  }
}

function unversioned(engine: Engine, bucket: Bucket): Bucket {
  const now = currentBucket(engine, bucket)
  if (now.versioning === undefined && !mayKeep(engine, now)) return now
  throw new ObjectsError('RenameRefused', 'Objects of a bucket with versions, or that are retained, cannot be renamed.')
}

async function isDone(engine: Engine, bucket: Bucket, { from, to, token }: RenameInput): Promise<boolean> {
  if (token === undefined) return false
  const row = await engine.metadata.get(SPACE.head, headKey(bucket.id, to))
  const renamed = row && decodeObject(row.value).properties.renamed
  if (renamed?.token !== token) return false
  if (renamed.from === from) return true
  throw new ObjectsError('RenameTokenUsed', 'The token was used for another renaming.')
}

interface Renaming {
  readonly input: RenameInput
  readonly object: OpenObject
  /** As it was when the DEK was wrapped. */
  readonly source: Source
  readonly content: NewContentKeys
  /** Whose store the bytes go to. */
  readonly storageClass: string | undefined
}

async function commitName(
  engine: Engine,
  keys: BucketKeys,
  draft: Draft,
  { input, object, source, content, storageClass }: Renaming,
  { members, writes: written }: Resealed,
): Promise<boolean> {
  const { from, to, conditions, token } = input
  const { etag } = object.manifest
  const { blobId } = members
  let wrapped = { dek: content.wrapped, forRow: source.bucket.token }
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { bucket, row, record: now, slot } = await sourceNow(engine, input, source.record)
    if (now.properties.storageClass !== storageClass) return false
    if (bucket.token !== wrapped.forRow || slot !== wrapped.dek.slot) {
      // What wraps keys, or where the object belongs, may have changed: nothing is stored any more under what did before.
      const { context } = now.wrappedDek
      wrapped = { dek: await keys.wrapDek(bucket, to, blobId, content.secret, slot, context), forRow: bucket.token }
    }
    const target = await engine.metadata.get(SPACE.head, headKey(bucket.id, to))
    await checkConditions(keys, bucket, to, conditions, target)
    const replaced = target && decodeObject(target.value)
    if ((await input.confirm?.(to, replaced?.blobId)) === false) continue
    const { sealedTags: _, renamed: __, ...plain } = now.properties
    const tags = await tagsOf(keys, bucket, from, now)
    const said = { ...plain, ...(token === undefined ? {} : { renamed: { token, from } }), tags }
    const record: ObjectRecord = {
      ...{ versionId: now.versionId, sizeBytes: now.sizeBytes, modifiedAtMs: now.modifiedAtMs },
      ...{ ...members, wrappedDek: wrapped.dek },
      properties: await sealedProperties(keys, { bucket, key: to, blobId }, said),
    }
    const key = headKey(bucket.id, to)
    const gone = [now, ...(replaced ? [replaced] : [])]
    assertRemovable(gone, engine.clock.now())
    const events = engine.notifications.writes(
      bucket,
      keys.asker,
      { name: 'ObjectRemoved:Delete', key: from },
      { name: 'ObjectCreated:Copy', key: to, sizeBytes: now.sizeBytes, etag },
    )
    const writes: Write[] = [
      engine.buckets.fence(bucket),
      { type: 'delete', space: SPACE.head, key: row.key, if: row.token },
      { type: 'put', space: SPACE.head, key, value: encodeObject(record), if: target?.token ?? null },
      ...written(key),
      ...gone.map((one) => engine.garbage.entry(garbageOf(one))),
      ...usageWrites(bucket.id, { removed: gone, added: [record] }),
      ...events,
    ]
    if (await commitOrLeave(engine, draft, writes)) {
      draft.keep()
      if (events.length > 0) engine.notifications.wake()
      engine.garbage.collect()
      return true
    }
    await engine.buckets.refresh(bucket.name)
  }
  throw new ObjectsError('BucketBusy', 'the object changed at the same time')
}

const changed = (): ObjectsError =>
  new ObjectsError('ConditionalRequestConflict', 'The object was changed while it was renamed.')
