import { random16 } from '../base/ids.ts'
import type { Entry } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { commitOrLeave, currentBucket, garbageOf } from './commit-version.ts'
import { newContentKeys } from './content-keys.ts'
import type { Engine } from './engine.ts'
import { destinationOf, slotOf } from './key-slots.ts'
import { keyedRecord } from './keyed-record.ts'
import { headKey, keyOfVersion, type SPACE } from './keyspace.ts'
import { openObject } from './open-object.ts'
import { encodeObject, type ObjectRecord } from './records.ts'
import { reseal } from './reseal.ts'
import { sealedProperties, tagsOf } from './seal-properties.ts'
import { type KeyedRecord, usageWrites } from './usage.ts'

/** As it was found in a row. */
export interface StoredVersion {
  readonly space: typeof SPACE.head | typeof SPACE.version
  readonly row: Entry
  readonly record: ObjectRecord
}

const MAX_ATTEMPTS = 20

/**
 * What its customer keeps a key of opens for nobody else, what another bucket sealed is not ours to change, and an upload
 * that is under way has parts that are sealed already.
 */
export const isReencryptable = (record: KeyedRecord): record is ObjectRecord =>
  'sizeBytes' in record && !record.sealing.customerKeyCheck && !record.sealing.foreign

class GivenUp extends Error {}

function recordOf(space: StoredVersion['space'], row: Entry): ObjectRecord | undefined {
  const record = keyedRecord(space, row.value)
  return record && isReencryptable(record) ? record : undefined
}

/** All but what may change of an object that is there: its properties, but for where it lies, and what wraps its DEK in a slot. */
function hasSameContent(now: ObjectRecord, then: ObjectRecord): boolean {
  const { properties, wrappedDek } = then
  const isWhereItWas =
    now.properties.storageClass === properties.storageClass &&
    now.wrappedDek.slot === wrappedDek.slot &&
    now.wrappedDek.context === wrappedDek.context
  return isWhereItWas && encodeObject({ ...now, properties, wrappedDek }).equals(encodeObject(then))
}

/**
 * Gives an object version a new DEK, under the key where it belongs, and seals its content under that. Nothing that a client
 * sees of it changes, and whoever reads it reads on. False when its content changed meanwhile, or it was given up: then it is
 * as it was. Throws what opening and wrapping throw.
 */
export async function reencryptVersion(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  { space, row, record }: StoredVersion,
  goesOn: () => boolean,
): Promise<boolean> {
  const key = keyOfVersion(space, row.key)
  using object = await openObject(engine, keys, { bucket, key, versionId: record.versionId })
  if (!object.blobId.equals(record.blobId)) return false
  const blobId = random16()
  const first = currentBucket(engine, bucket)
  const slotIn = (now: Bucket): number => destinationOf(now, slotOf(now, record.wrappedDek.slot)).id
  const slot = slotIn(first)
  const { context } = record.wrappedDek
  const twice = record.sealing.outerKey !== undefined
  using content = await newContentKeys(keys, { bucket: first, key, blobId }, slot, { twice }, context)
  await using draft = engine.drafts.begin(record.properties.storageClass)
  const resealing = {
    ...{ object, record, bucket: first, key, blobId, content },
    ask: () => keys.permit(currentBucket(engine, bucket), 'wrap', slot),
    passing: () => {
      if (!goesOn()) throw new GivenUp()
    },
  }
  try {
    await using resealed = await reseal(engine, keys, draft, resealing)
    let wrapped = { dek: content.wrapped, forRow: first.token }
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const now = currentBucket(engine, bucket)
      const current = await engine.metadata.get(space, row.key)
      const is = current && recordOf(space, current)
      // Who may tag it, or lock it, all the time must not keep its content from being sealed anew.
      if (!is || !hasSameContent(is, record)) return false
      if (now.token !== wrapped.forRow) {
        // What wraps keys may have changed with the bucket's row: nothing is stored any more under what did before.
        const dek = await keys.wrapDek(now, key, blobId, content.secret, slotIn(now), context)
        wrapped = { dek, forRow: now.token }
      }
      const tags = await tagsOf(keys, now, key, is)
      const { sealedTags: _, ...plain } = is.properties
      const properties = await sealedProperties(keys, { bucket: now, key, blobId }, { ...plain, tags })
      const next: ObjectRecord = { ...is, ...resealed.members, wrappedDek: wrapped.dek, properties }
      const committed = await commitOrLeave(engine, draft, [
        engine.buckets.fence(now),
        { type: 'put', space, key: row.key, value: encodeObject(next), if: current.token },
        // Owners are known by the key, whichever version of it they are.
        ...resealed.writes(headKey(bucket.id, key)),
        engine.garbage.entry(garbageOf(is)),
        ...usageWrites(bucket.id, { removed: [is], added: [next] }),
      ])
      if (committed) {
        draft.keep()
        engine.garbage.collect()
        return true
      }
      await engine.buckets.refresh(bucket.name)
    }
    return false
  } catch (error) {
    if (error instanceof GivenUp) return false
    throw error
  }
}
