import type { HistogramSample, Labels, Metric, Sample } from './metrics.ts'

/** What several threads counted, as one: what has the same name and labels is added up, gauges too. */
export function summed(all: readonly (readonly Metric[])[]): Metric[] {
  const byName = new Map<string, Metric>()
  for (const metric of all.flat()) {
    const before = byName.get(metric.name)
    byName.set(metric.name, before ? added(before, metric) : metric)
  }
  return [...byName.values()]
}

function added(one: Metric, other: Metric): Metric {
  if (one.type === 'histogram' && other.type === 'histogram') {
    return { ...one, samples: merged(one.samples, other.samples, addHistograms) }
  }
  if (one.type === 'histogram' || other.type === 'histogram') return one
  return { ...one, samples: merged(one.samples, other.samples, (a, b) => ({ ...a, value: a.value + b.value })) }
}

function merged<Of extends Sample | HistogramSample>(
  one: readonly Of[],
  other: readonly Of[],
  add: (one: Of, other: Of) => Of,
): Of[] {
  const byLabels = new Map(one.map((sample) => [named(sample.labels), sample]))
  for (const sample of other) {
    const before = byLabels.get(named(sample.labels))
    byLabels.set(named(sample.labels), before ? add(before, sample) : sample)
  }
  return [...byLabels.values()]
}

const named = (labels: Labels): string => JSON.stringify(Object.entries(labels).sort())

const addHistograms = (one: HistogramSample, other: HistogramSample): HistogramSample => ({
  labels: one.labels,
  counts: one.counts.map((count, index) => count + (other.counts[index] ?? 0)),
  sum: one.sum + other.sum,
})
