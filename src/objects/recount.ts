import { uuidFromBytes } from '../base/ids.ts'
import { type DamagedRow, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataSnapshot, MetadataStore, Space } from '../storage/metadata/metadata-store.ts'
import { keyedRecord } from './keyed-record.ts'
import { rowsUnder, SPACE } from './keyspace.ts'
import {
  type Counted,
  counterWrites,
  readCounter,
  sumOf,
  type Totals,
  type UsageTally,
  usagePrefix,
  usageTally,
} from './usage.ts'

/** Rows of a page change up to three counters each, and a commit takes 500 writes. */
const PAGE = 150
/** Spaces whose rows are counted, in the order in which they are read. */
const COUNTED_SPACES: readonly Space[] = [SPACE.head, SPACE.version, SPACE.upload]
const STATE = Buffer.from('state')

export interface Recount {
  /** What the records say. */
  readonly found: Totals
  /** Counters that say something else; none when all is well. */
  readonly differences: readonly UsageDifference[]
  readonly repaired: boolean
}

export interface UsageDifference {
  readonly bucketId: string
  readonly slot: number
  readonly keyVersion: string
  readonly counted: Counted
  readonly stored: number
  readonly found: number
}

/**
 * Compares the counters with all records as they were at one moment, so that it is exact while others write. An error of
 * a counter stays what it is whatever is written, so taking it away mends the counter at any later time.
 */
export async function recount(metadata: MetadataStore, options: { readonly repair?: boolean } = {}): Promise<Recount> {
  await using snapshot = await metadata.snapshot()
  const tally = usageTally()
  for (const space of COUNTED_SPACES) {
    for await (const rows of pages(snapshot, space)) addRows(tally, space, rows)
  }
  const found = new Map(tally.counters().map((counter) => [counter.key.toString('latin1'), counter]))
  const stored = new Map(
    (await snapshot.counters(usagePrefix())).map((counter) => [counter.key.toString('latin1'), counter]),
  )
  const names = [...new Set([...found.keys(), ...stored.keys()])].sort()
  const wrong = names.flatMap((name) => {
    const key = (found.get(name) ?? stored.get(name))?.key ?? Buffer.alloc(0)
    const numbers = { stored: stored.get(name)?.value ?? 0, found: found.get(name)?.value ?? 0 }
    return numbers.stored === numbers.found ? [] : [{ key, ...numbers }]
  })
  const repaired = options.repair === true && wrong.length > 0
  if (repaired) {
    const errors = wrong.map(({ key, stored, found }) => ({ key, value: found - stored }))
    for (let at = 0; at < errors.length; at += PAGE) await metadata.commit(counterWrites(errors.slice(at, at + PAGE)))
  }
  return {
    found: sumOf([...found.values()].map(readCounter)),
    differences: wrong.map(({ key, ...numbers }) => {
      const { value: _, ...of } = readCounter({ key, value: 0 })
      return { ...of, ...numbers }
    }),
    repaired,
  }
}

/** How far the counting at the first start has come. */
type State = { readonly done: true } | { readonly done: false; readonly space: number; readonly after: string }

/**
 * Counts the records of a directory that was written before there were counters. Nobody else writes meanwhile. Each page is
 * counted in the commit that moves the mark behind it, so that an interruption neither forgets nor repeats any.
 */
export async function ensureCounted(metadata: MetadataStore): Promise<void> {
  const row = await metadata.get(SPACE.usage, STATE)
  const state: State = row ? JSON.parse(row.value.toString('utf8')) : { done: false, space: SPACE.head, after: '' }
  if (state.done) return
  for (const space of COUNTED_SPACES) {
    if (space < state.space) continue
    const after = space === state.space ? Buffer.from(state.after, 'hex') : Buffer.alloc(0)
    for await (const rows of pages(metadata, space, after)) {
      const tally = usageTally()
      addRows(tally, space, rows)
      const mark: State = { done: false, space, after: rows.at(-1)?.key.toString('hex') ?? '' }
      await metadata.commit([...counterWrites(tally.counters()), stateWrite(mark)])
    }
  }
  await metadata.commit([stateWrite({ done: true })])
}

const stateWrite = (state: State) => ({
  type: 'put' as const,
  space: SPACE.usage,
  key: STATE,
  value: Buffer.from(JSON.stringify({ v: 1, ...state }), 'utf8'),
})

/** A record that cannot be read counts for nothing: what it says of keys nobody knows. */
function addRows(tally: UsageTally, space: Space, rows: readonly (Entry | DamagedRow)[]): void {
  for (const row of rows) {
    if ('damage' in row) continue
    const record = keyedRecord(space, row.value)
    if (record) tally.add(uuidFromBytes(row.key.subarray(0, 16)), record, 1)
  }
}

/** Every row behind `after`, also those that cannot be read. */
async function* pages(
  { range }: Pick<MetadataSnapshot, 'range'>,
  space: Space,
  after: Buffer = Buffer.alloc(0),
): AsyncGenerator<(Entry | DamagedRow)[]> {
  const { lt } = rowsUnder(Buffer.from([0xff]))
  let gte = after.length === 0 ? after : Buffer.concat([after, Buffer.from([0])])
  for (;;) {
    const rows: (Entry | DamagedRow)[] = await rangeWithDamaged({ range }, space, { gte, lt, limit: PAGE })
    if (rows.length > 0) yield rows
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) return
    gte = Buffer.concat([last.key, Buffer.from([0])])
  }
}
