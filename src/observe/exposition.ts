import type { Labels, Metric } from './metrics.ts'

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** The text format of Prometheus, version 0.0.4. */
export const exposition = (metrics: readonly Metric[]): string => metrics.map(one).join('')

function one(metric: Metric): string {
  const { name, help, type } = metric
  const rows =
    metric.type === 'histogram' ? histogram(metric) : metric.samples.map((each) => row(name, each.labels, each.value))
  return [`# HELP ${name} ${escapedHelp(help)}`, `# TYPE ${name} ${type}`, ...rows, ''].join('\n')
}

/** Its buckets are cumulative, the last one is infinite, and that is the count. */
function histogram({ name, bounds, samples }: Metric & { readonly type: 'histogram' }): string[] {
  return samples.flatMap(({ labels, counts, sum }) => {
    let count = 0
    const buckets = counts.map((more, at) => {
      count += more
      return row(`${name}_bucket`, { ...labels, le: at < bounds.length ? `${bounds[at]}` : '+Inf' }, count)
    })
    return [...buckets, row(`${name}_sum`, labels, sum), row(`${name}_count`, labels, count)]
  })
}

function row(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, of]) => `${label}="${escaped(of)}"`)
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`
}

const escapedHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
const escaped = (text: string): string => escapedHelp(text).replaceAll('"', '\\"')
