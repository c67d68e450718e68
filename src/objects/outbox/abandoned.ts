import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import { garbageKey, rowsUnder } from '../keyspace.ts'

const PAGE = 100

/** Messages for one target lie together, in the order in which they were made. */
export const prefixOf = (target: string): Buffer => Buffer.from(`${target}\0`, 'utf8')

interface Abandoned {
  readonly metadata: MetadataStore
  readonly space: number
  /** Those that are set up. */
  readonly targets: readonly string[]
  readonly untilMs: number
  /** Of each message that can be read, before it goes. */
  readonly onDrop: (row: Entry) => Promise<void>
  /** Told of each target once. */
  readonly onDropped: (target: string, count: number) => void
}

/**
 * Drops the messages from before `untilMs` for targets that are not set up: nobody fetches them, and a target that was left
 * out by mistake may come back.
 */
export async function dropAbandoned(of: Abandoned): Promise<void> {
  const { targets, untilMs, onDropped } = of
  let gte: Buffer = Buffer.alloc(0)
  const { lt } = rowsUnder(Buffer.from([0xff]))
  const until = garbageKey(Math.max(untilMs, 0), Buffer.alloc(0))
  for (;;) {
    const [first] = await page(of, { gte, lt, limit: 1 })
    if (!first) return
    // In bytes: a row that was made up may be no text, and is passed over like any other.
    const prefix = first.key.subarray(0, first.key.indexOf(0) + 1)
    const target = prefix.toString('utf8', 0, Math.max(prefix.length - 1, 0))
    if (prefix.length > 0 && !targets.includes(target)) {
      const count = await drop(of, prefix, Buffer.concat([prefix, until]))
      if (count > 0) onDropped(target, count)
    }
    gte = rowsUnder(prefix.length > 0 ? prefix : first.key).lt
  }
}

async function drop(of: Abandoned, gte: Buffer, lt: Buffer): Promise<number> {
  const { metadata, space, onDrop } = of
  for (let count = 0; ; ) {
    const rows = await page(of, { gte, lt, limit: PAGE })
    if (rows.length === 0) return count
    for (const row of rows) if (!('damage' in row)) await onDrop(row)
    await metadata.commit(rows.map(({ key }): Write => ({ type: 'delete', space, key })))
    count += rows.length
  }
}

const page = (
  { metadata, space }: Abandoned,
  range: { readonly gte: Buffer; readonly lt: Buffer; readonly limit: number },
): Promise<(Entry | DamagedRow)[]> => rangeWithDamaged(metadata, space, range)
