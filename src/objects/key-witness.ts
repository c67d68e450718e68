import type { WrapContext } from '../envelope/key-provider.ts'
import { rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import type { StoredDek } from './key-slots.ts'
import { identityOf, keyedRecord } from './keyed-record.ts'
import { headKey, rowsUnder, SPACE } from './keyspace.ts'
import { readCounter, usagePrefix } from './usage.ts'
import { dekContext } from './wrap-contexts.ts'

/** What lies in a slot, and was wrapped under its key. */
export interface KeyWitness {
  readonly stored: StoredDek
  readonly context: WrapContext
}

const PAGE = 500

/** DEKs of a few objects or uploads in a slot, none when the index knows of none. Looks at rows until it has them. */
export async function findWitnesses(
  metadata: MetadataStore,
  bucketId: string,
  slot: number,
  limit: number,
): Promise<readonly KeyWitness[]> {
  const counts = (await metadata.counters(usagePrefix(bucketId))).map(readCounter)
  const found: KeyWitness[] = []
  if (!counts.some((count) => count.slot === slot && count.value > 0)) return found
  const under = rowsUnder(headKey(bucketId, ''))
  for (const space of [SPACE.head, SPACE.upload, SPACE.version]) {
    let { gte } = under
    for (;;) {
      const rows = await rangeWithDamaged(metadata, space, { gte, lt: under.lt, limit: PAGE })
      for (const row of rows) {
        const record = 'damage' in row ? undefined : keyedRecord(space, row.value)
        if ('damage' in row || record?.wrappedDek.slot !== slot) continue
        const { wrappedDek: stored } = record
        const { blobId } = identityOf(space, row, record)
        found.push({ stored, context: dekContext(bucketId, blobId, stored.context) })
        if (found.length === limit) return found
      }
      const last = rows.at(-1)
      if (rows.length < PAGE || !last) break
      gte = Buffer.concat([last.key, Buffer.from([0])])
    }
  }
  return found
}
