import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import { garbageKey, rowsUnder, SPACE } from '../keyspace.ts'

const PAGE = 100

/** Events of one target lie together, in the order in which they happened. */
export const prefixOf = (target: string): Buffer => Buffer.from(`${target}\0`, 'utf8')

/**
 * Drops the events from before `untilMs` of targets that are not set up: nobody fetches them, and a target that was left
 * out by mistake may come back. `onDropped` is told of each target once.
 */
export async function dropAbandoned(
  metadata: MetadataStore,
  targets: readonly string[],
  untilMs: number,
  onDropped: (target: string, count: number) => void,
): Promise<void> {
  let gte: Buffer = Buffer.alloc(0)
  const { lt } = rowsUnder(Buffer.from([0xff]))
  const until = garbageKey(Math.max(untilMs, 0), Buffer.alloc(0))
  for (;;) {
    const [first] = await page(metadata, { gte, lt, limit: 1 })
    if (!first) return
    // In bytes: a row that was made up may be no text, and is passed over like any other.
    const prefix = first.key.subarray(0, first.key.indexOf(0) + 1)
    const target = prefix.toString('utf8', 0, Math.max(prefix.length - 1, 0))
    if (prefix.length > 0 && !targets.includes(target)) {
      const count = await drop(metadata, prefix, Buffer.concat([prefix, until]))
      if (count > 0) onDropped(target, count)
    }
    gte = rowsUnder(prefix.length > 0 ? prefix : first.key).lt
  }
}

async function drop(metadata: MetadataStore, gte: Buffer, lt: Buffer): Promise<number> {
  for (let count = 0; ; ) {
    const rows = await page(metadata, { gte, lt, limit: PAGE })
    if (rows.length === 0) return count
    await metadata.commit(rows.map(({ key }): Write => ({ type: 'delete', space: SPACE.notification, key })))
    count += rows.length
  }
}

const page = (
  metadata: MetadataStore,
  range: { readonly gte: Buffer; readonly lt: Buffer; readonly limit: number },
): Promise<(Entry | DamagedRow)[]> => rangeWithDamaged(metadata, SPACE.notification, range)
