import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import { rowsUnder } from '../keyspace.ts'
import { timeOf } from './rows.ts'

const PAGE = 100

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
  const { targets, onDropped } = of
  let gte: Buffer = Buffer.alloc(0)
  const { lt } = rowsUnder(Buffer.from([0xff]))
  for (;;) {
    const [first] = await page(of, { gte, lt, limit: 1 })
    if (!first) return
    // In bytes: a row that was made up may be no text, and is passed over like any other.
    const prefix = first.key.subarray(0, first.key.indexOf(0) + 1)
    const target = prefix.toString('utf8', 0, Math.max(prefix.length - 1, 0))
    if (prefix.length > 0 && !targets.includes(target)) {
      const count = await drop(of, prefix)
      if (count > 0) onDropped(target, count)
    }
    gte = rowsUnder(prefix.length > 0 ? prefix : first.key).lt
  }
}

async function drop(of: Abandoned, prefix: Buffer): Promise<number> {
  const { metadata, space, untilMs, onDrop } = of
  const remove = async (rows: readonly (Entry | DamagedRow)[]): Promise<void> => {
    if (rows.length > 0) await metadata.commit(rows.map(({ key }): Write => ({ type: 'delete', space, key })))
  }
  let [count, kept] = [0, 0]
  for await (const rows of pages(of, prefix)) {
    const times = rows.map(({ key }) => timeOf(key, prefix))
    const old = rows.filter((_, index) => (times[index] ?? Number.POSITIVE_INFINITY) < untilMs)
    for (const row of old) if (!('damage' in row)) await onDrop(row)
    await remove(old)
    count += old.length
    kept += times.filter((time) => time !== undefined).length - old.length
  }
  // When something is due says nothing where there is nothing.
  if (kept === 0) for await (const rows of pages(of, prefix)) await remove(rows)
  return count
}

async function* pages(of: Abandoned, prefix: Buffer): AsyncGenerator<(Entry | DamagedRow)[]> {
  const { gte, lt } = rowsUnder(prefix)
  for (let from = gte; ; ) {
    const rows = await page(of, { gte: from, lt, limit: PAGE })
    const last = rows.at(-1)
    if (!last) return
    yield rows
    from = Buffer.concat([last.key, Buffer.from([0])])
  }
}

const page = (
  { metadata, space }: Abandoned,
  range: { readonly gte: Buffer; readonly lt: Buffer; readonly limit: number },
): Promise<(Entry | DamagedRow)[]> => rangeWithDamaged(metadata, space, range)
