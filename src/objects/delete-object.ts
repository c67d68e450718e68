import { type DamagedRow, damagedRow } from '../storage/metadata/damaged-rows.ts'
import type { Entry } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { checkConditions, garbageOf } from './commit-version.ts'
import type { WriteConditions } from './conditions.ts'
import type { Engine } from './engine.ts'
import { headKey, SPACE } from './keyspace.ts'
import { decodeObject } from './records.ts'
import { usageWrites } from './usage.ts'

/** Needs no key: objects of a locked bucket stay deletable. A key that does not exist is success, as S3 has it. */
export async function deleteObject(
  engine: Engine,
  keys: BucketKeys,
  target: { readonly bucket: Bucket; readonly key: string; readonly conditions: WriteConditions },
): Promise<void> {
  const { bucket, key, conditions } = target
  const row = headKey(bucket.id, key)
  for (;;) {
    const current = await readable(engine, target)
    if (current && 'damage' in current) {
      if (await removeDamaged(engine, current)) return
      continue
    }
    await checkConditions(keys, bucket, key, conditions, current)
    if (!current) return
    const record = decodeObject(current.value)
    const removed = await engine.metadata.commit([
      { type: 'delete', space: SPACE.head, key: row, if: current.token },
      ...usageWrites(bucket.id, { removed: [record] }),
      engine.garbage.entry(garbageOf(record)),
    ])
    if (removed) return engine.garbage.collect()
  }
}

/** Throws MetadataCorrupt for a damaged record under conditions: what they ask about cannot be known. */
async function readable(
  engine: Engine,
  { bucket, key, conditions }: { readonly bucket: Bucket; readonly key: string; readonly conditions: WriteConditions },
): Promise<Entry | DamagedRow | undefined> {
  try {
    const entry = await engine.metadata.get(SPACE.head, headKey(bucket.id, key))
    if (entry) decodeObject(entry.value)
    return entry
  } catch (error) {
    const damaged = damagedRow(error)
    if (!damaged || conditions.ifMatch !== undefined || conditions.ifNoneMatch !== undefined) throw error
    engine.damage.found(SPACE.head, damaged.key, `the record of ${bucket.name}/${key}, now deleted,`, error)
    return damaged
  }
}

/** What it had counted, and under which key, it cannot say any more: all is counted anew. Its blobs stay. */
async function removeDamaged(engine: Engine, { key, token }: DamagedRow): Promise<boolean> {
  const removed = await engine.metadata.commit([{ type: 'delete', space: SPACE.head, key, if: token }])
  if (removed) engine.damage.recount()
  return removed
}
