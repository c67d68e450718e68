import { type ActivityEntry, listActivity, whoOf } from './activity.ts'

/** Of data keys, by the minute: as the audit log has them, those that came from memory too. */
export interface DataKeyUses {
  /** Milliseconds: the beginning of each minute, the last one under way. */
  readonly times: readonly number[]
  readonly opened: readonly number[]
  readonly made: readonly number[]
  readonly refused: readonly number[]
  /** Earlier ones are too many to be read here; undefined: all are there. */
  readonly onlySince: number | undefined
  /** Who used them, the busiest first. */
  readonly people: readonly { readonly name: string; readonly kind: string; readonly uses: number }[]
}

const MINUTE_MS = 60_000
const MINUTES = 60
const PAGE = 1000
const MOST_PAGES = 5

/** In the last hour. For administrators of the account, who may read the audit log. */
export async function readDataKeyUses(
  of: { readonly key?: string; readonly bucket?: string },
  signal: AbortSignal,
): Promise<DataKeyUses> {
  const end = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS
  const start = end - (MINUTES - 1) * MINUTE_MS
  const since = new Date(start).toISOString()
  const entries: ActivityEntry[] = []
  let before: number | undefined
  for (let page = 0; page < MOST_PAGES; page++) {
    const found = await listActivity({ ...of, kind: 'data-key', since, limit: PAGE, before }, signal)
    entries.push(...found.entries)
    before = found.next
    if (before === undefined) break
  }
  const last = entries.at(-1)
  const counted = (fits: (entry: ActivityEntry) => boolean): readonly number[] => {
    const counts = new Array<number>(MINUTES).fill(0)
    for (const entry of entries) {
      const at = Math.floor((Date.parse(entry.time) - start) / MINUTE_MS)
      if (fits(entry) && at >= 0) counts[Math.min(at, MINUTES - 1)] = (counts[Math.min(at, MINUTES - 1)] ?? 0) + 1
    }
    return counts
  }
  const isDone = ({ outcome }: ActivityEntry): boolean => outcome === 'success'
  return {
    times: Array.from({ length: MINUTES }, (_, index) => start + index * MINUTE_MS),
    opened: counted((entry) => isDone(entry) && entry.use === 'unwrap'),
    made: counted((entry) => isDone(entry) && entry.use !== 'unwrap'),
    refused: counted((entry) => !isDone(entry)),
    onlySince: before === undefined ? undefined : last ? Date.parse(last.time) : end,
    people: peopleOf(entries),
  }
}

function peopleOf(entries: readonly ActivityEntry[]): DataKeyUses['people'] {
  const byName = Map.groupBy(entries, whoOf)
  return [...byName]
    .map(([name, its]) => ({ name, kind: its[0]?.said.who.kind ?? '', uses: its.length }))
    .sort((a, b) => b.uses - a.uses)
}
