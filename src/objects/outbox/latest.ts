import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore } from '../../storage/metadata/metadata-store.ts'
import { messageRows, prefixOf, timeOf } from './rows.ts'

const PAGE = 1000

/** The latest time that a message of these targets has in its row, in milliseconds; 0 when there is none. */
export async function latestOf(
  metadata: Pick<MetadataStore, 'range'>,
  space: number,
  targets: readonly string[],
): Promise<number> {
  let latestMs = 0
  for (const target of targets) {
    const prefix = prefixOf(target)
    const { gte, lt } = messageRows(target)
    for (let from: Buffer | undefined = gte; from; ) {
      // The keys say it: nothing is opened.
      const range = { gte: from, lt, limit: PAGE, isKnown: () => true }
      const rows: readonly (Entry | DamagedRow)[] = await rangeWithDamaged(metadata, space, range)
      for (const { key } of rows) {
        const timeMs = timeOf(key, prefix) ?? 0
        // A row that somebody made up may have any.
        if (Number.isSafeInteger(timeMs)) latestMs = Math.max(latestMs, timeMs)
      }
      const last = rows.length < PAGE ? undefined : rows.at(-1)
      from = last && Buffer.concat([last.key, Buffer.from([0])])
    }
  }
  return latestMs
}
