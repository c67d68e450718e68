/**
 * What is counted and measured for whoever watches the server. Shown to anybody that reaches the control port: no label
 * may name a tenant, a bucket or a key.
 */
export type Metric = Gauge | Counter | Histogram

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly labels: Labels
  readonly value: number
}

interface Described {
  /** `coffer_buckets`; with its unit, and `_total` behind that of a counter. */
  readonly name: string
  readonly help: string
}

/** Numbers as they are now. */
export interface Gauge extends Described {
  readonly type: 'gauge'
  readonly samples: readonly Sample[]
}

/** Numbers that only grow. */
export interface Counter extends Described {
  readonly type: 'counter'
  readonly samples: readonly Sample[]
}

/** How often something was how large. */
export interface Histogram extends Described {
  readonly type: 'histogram'
  /** Ascending upper bounds, without infinity. */
  readonly bounds: readonly number[]
  readonly samples: readonly HistogramSample[]
}

export interface HistogramSample {
  readonly labels: Labels
  /** How many were at most each bound, and more than the one before it; the last are those above all bounds. */
  readonly counts: readonly number[]
  readonly sum: number
}

/** Every cache has a sample of each. */
export const CACHE_HITS = { name: 'coffer_cache_hits_total', help: 'What a cache answered.', type: 'counter' } as const
export const CACHE_MISSES = {
  name: 'coffer_cache_misses_total',
  help: 'What a cache was asked for and did not have.',
  type: 'counter',
} as const
export const CACHE_ENTRIES = { name: 'coffer_cache_entries', help: 'What a cache holds.', type: 'gauge' } as const

/** One number for each value of one label. */
export const byLabel = (label: string, values: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(values).map(([of, value]) => ({ labels: { [label]: of }, value }))

/** Counts as it is told to, for each combination of its labels. */
export interface Counting<Names extends readonly string[]> {
  readonly add: (count: number, ...labels: Values<Names>) => void
  readonly read: () => Counter
}

export interface Timing<Names extends readonly string[]> {
  readonly observe: (seconds: number, ...labels: Values<Names>) => void
  readonly read: () => Histogram
}

type Values<Names extends readonly string[]> = { readonly [Index in keyof Names]: string }

interface Options<Names extends readonly string[]> extends Described {
  readonly labels: Names
}

/** Labels take few values each, all known when the code was written: what a client sends is never one. */
export function counting<const Names extends readonly string[]>(options: Options<Names>): Counting<Names> {
  const { labels: names, ...described } = options
  const cells = labelled(names, () => ({ value: 0 }))
  return {
    add: (count, ...labels) => {
      cells.of(labels).value += count
    },
    read: () => ({
      ...described,
      type: 'counter',
      samples: cells.all().map(({ labels, cell }) => ({ labels, value: cell.value })),
    }),
  }
}

/** From what a page out of memory takes to what a large upload takes. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const

export function timing<const Names extends readonly string[]>(options: Options<Names>): Timing<Names> {
  const { labels: names, ...described } = options
  const cells = labelled(names, () => ({ counts: new Array<number>(SECONDS.length + 1).fill(0), sum: 0 }))
  return {
    observe: (seconds, ...labels) => {
      const cell = cells.of(labels)
      const found = SECONDS.findIndex((bound) => seconds <= bound)
      const at = found < 0 ? SECONDS.length : found
      cell.counts[at] = (cell.counts[at] ?? 0) + 1
      cell.sum += seconds
    },
    read: () => ({
      ...described,
      type: 'histogram',
      bounds: SECONDS,
      samples: cells.all().map(({ labels, cell: { counts, sum } }) => ({ labels, counts: [...counts], sum })),
    }),
  }
}

/** A cell for each combination of values. */
function labelled<Cell>(names: readonly string[], make: () => Cell) {
  const cells = new Map<string, { readonly labels: Labels; readonly cell: Cell }>()
  return {
    of: (values: readonly string[]): Cell => {
      const name = values.length === 1 ? (values[0] ?? '') : values.join('\0')
      const known = cells.get(name)
      if (known) return known.cell
      const labels = Object.fromEntries(names.map((label, index) => [label, values[index] ?? '']))
      const cell = make()
      cells.set(name, { labels, cell })
      return cell
    },
    all: () => [...cells.values()],
  }
}

/** What several threads counted, as one. Gauges of the same labels are added up as well. */
export function summed(all: readonly Metric[]): Metric[] {
  return [...Map.groupBy(all, ({ name }) => name).values()].map((same) => same.reduce(plus))
}

function plus(one: Metric, other: Metric): Metric {
  if (one.type === 'histogram') {
    if (other.type !== 'histogram') throw new Error(`${one.name} is of two types`)
    const samples = merged([...one.samples, ...other.samples], (a, b) => ({
      labels: a.labels,
      counts: a.counts.map((count, at) => count + (b.counts[at] ?? 0)),
      sum: a.sum + b.sum,
    }))
    return { ...one, samples }
  }
  if (other.type !== one.type) throw new Error(`${one.name} is of two types`)
  const samples = merged([...one.samples, ...other.samples], (a, b) => ({ labels: a.labels, value: a.value + b.value }))
  return { ...one, samples }
}

function merged<One extends { readonly labels: Labels }>(samples: readonly One[], add: (a: One, b: One) => One): One[] {
  const same = Map.groupBy(samples, ({ labels }) => JSON.stringify(Object.entries(labels).sort()))
  return [...same.values()].map((group) => group.reduce(add))
}
