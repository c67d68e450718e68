import { uuidFromBytes } from '../base/ids.ts'
import { type DamagedRow, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type {
  Counter,
  Entry,
  MetadataSnapshot,
  MetadataStore,
  Space,
  Write,
} from '../storage/metadata/metadata-store.ts'
import { keyedRecord } from './keyed-record.ts'
import { rowsUnder, SPACE } from './keyspace.ts'
import { decodeVersion } from './records.ts'
import { type Counted, readCounter, sumOf, type Totals, type UsageTally, usagePrefix, usageTally } from './usage.ts'
import {
  addWrites,
  type CountedVersions,
  readVersionCount,
  type VersionTally,
  versionCountsPrefix,
  versionTally,
} from './version-counts.ts'

/** Rows of a page change up to three counters each, and a commit takes 500 writes. */
const PAGE = 150
/** Spaces whose rows are counted, in the order in which they are read. */
const COUNTED_SPACES: readonly Space[] = [SPACE.head, SPACE.version, SPACE.upload]
const STATE = Buffer.from('state')
/** Counters of versions came later than the others. */
const VERSIONS_STATE = Buffer.from('versions')

export interface Recount {
  /** What the records say. */
  readonly found: Totals
  /** Counters that say something else; none when all is well. */
  readonly differences: readonly UsageDifference[]
  readonly repaired: boolean
}

export interface UsageDifference {
  readonly bucketId: string
  /** And the version of its key; of counters by slot. */
  readonly slot?: number
  readonly keyVersion?: string
  readonly counted: Counted | CountedVersions
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
  const versions = versionTally()
  for (const space of COUNTED_SPACES) {
    for await (const rows of pages(snapshot, space)) {
      addRows(tally, space, rows)
      if (space === SPACE.version) addVersions(versions, rows)
    }
  }
  const usage = tally.counters()
  const found = byName([...usage, ...versions.counters()])
  const stored = byName([
    ...(await snapshot.counters(usagePrefix())),
    ...(await snapshot.counters(versionCountsPrefix())),
  ])
  const names = [...new Set([...found.keys(), ...stored.keys()])].sort()
  const wrong = names.flatMap((name) => {
    const key = (found.get(name) ?? stored.get(name))?.key ?? Buffer.alloc(0)
    const numbers = { stored: stored.get(name)?.value ?? 0, found: found.get(name)?.value ?? 0 }
    return numbers.stored === numbers.found ? [] : [{ key, ...numbers }]
  })
  const repaired = options.repair === true && wrong.length > 0
  if (repaired) {
    const errors = wrong.map(({ key, stored, found }) => ({ key, value: found - stored }))
    for (let at = 0; at < errors.length; at += PAGE) await metadata.commit(addWrites(errors.slice(at, at + PAGE)))
  }
  return {
    found: sumOf(usage.map(readCounter)),
    differences: wrong.map(({ key, ...numbers }) => {
      if (key.indexOf(versionCountsPrefix()) === 0) return { ...readVersionCount({ key }), ...numbers }
      const { value: _, ...of } = readCounter({ key, value: 0 })
      return { ...of, ...numbers }
    }),
    repaired,
  }
}

const byName = (counters: readonly Counter[]): ReadonlyMap<string, Counter> =>
  new Map(counters.map((counter) => [counter.key.toString('latin1'), counter]))

/** How far the counting at the first start has come. */
type State =
  | { readonly done: true; readonly versions?: true }
  | { readonly done: false; readonly space: number; readonly after: string }

/**
 * Counts the records of a directory that was written before there were counters. Nobody else writes meanwhile. Each page is
 * counted in the commit that moves the mark behind it, so that an interruption neither forgets nor repeats any.
 */
export async function ensureCounted(metadata: MetadataStore): Promise<void> {
  // One read, at every start but the first one.
  const row = await metadata.get(SPACE.usage, STATE)
  if (row && JSON.parse(row.value.toString('utf8'))['versions'] === true) return
  await ensure(metadata, STATE, COUNTED_SPACES, (space, rows) => {
    const tally = usageTally()
    addRows(tally, space, rows)
    return tally.counters()
  })
  await ensure(metadata, VERSIONS_STATE, [SPACE.version], (_, rows) => {
    const tally = versionTally()
    addVersions(tally, rows)
    return tally.counters()
  })
  const over: Write = { type: 'delete', space: SPACE.usage, key: VERSIONS_STATE }
  await metadata.commit([stateWrite(STATE, { done: true, versions: true }), over])
}

type Rows = readonly (Entry | DamagedRow)[]

async function ensure(
  metadata: MetadataStore,
  key: Buffer,
  spaces: readonly Space[],
  count: (space: Space, rows: Rows) => Counter[],
): Promise<void> {
  const row = await metadata.get(SPACE.usage, key)
  const state: State = row ? JSON.parse(row.value.toString('utf8')) : { done: false, space: SPACE.head, after: '' }
  if (state.done) return
  for (const space of spaces) {
    if (space < state.space) continue
    const after = space === state.space ? Buffer.from(state.after, 'hex') : Buffer.alloc(0)
    for await (const rows of pages(metadata, space, after)) {
      const mark: State = { done: false, space, after: rows.at(-1)?.key.toString('hex') ?? '' }
      await metadata.commit([...addWrites(count(space, rows)), stateWrite(key, mark)])
    }
  }
  await metadata.commit([stateWrite(key, { done: true })])
}

const stateWrite = (key: Buffer, state: State) => ({
  type: 'put' as const,
  space: SPACE.usage,
  key,
  value: Buffer.from(JSON.stringify({ v: 1, ...state }), 'utf8'),
})

function addVersions(tally: VersionTally, rows: Rows): void {
  for (const row of rows) {
    if ('damage' in row) continue
    tally.add(uuidFromBytes(row.key.subarray(0, 16)), decodeVersion(row.value), 1)
  }
}

/** A record that cannot be read counts for nothing: what it says of keys nobody knows. */
function addRows(tally: UsageTally, space: Space, rows: Rows): void {
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
