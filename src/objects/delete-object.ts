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
    const current = await engine.metadata.get(SPACE.head, row)
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
