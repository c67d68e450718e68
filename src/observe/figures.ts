import type { Histogram, Labels, Metric } from './metrics.ts'

/** What a server did in some span of time. */
export interface Figures {
  readonly requests: number
  /** Refused: 4xx. */
  readonly refused: number
  /** Failed: 5xx. */
  readonly failed: number
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Of S3 requests; undefined when there was none. */
  readonly p50Ms: number | undefined
  readonly p95Ms: number | undefined
  readonly p99Ms: number | undefined
  readonly keyCalls: number
  readonly keyFailures: number
  readonly unwraps: number
  readonly controlRequests: number
}

/** Out of counters as they were and as they are. */
export function figuresBetween(before: readonly Metric[], after: readonly Metric[]): Figures {
  const grown = (name: string, of: (labels: Labels) => boolean = () => true): number =>
    // What a thread counted that is gone would be taken away.
    Math.max(0, total(after, name, of) - total(before, name, of))
  const requests = 'coffer_s3_requests_total'
  const status = (first: string) => (labels: Labels) => labels['status']?.startsWith(first) === true
  const s3 = (labels: Labels) => labels['listener'] === 's3'
  const took = spread(histogram(before, DURATION), histogram(after, DURATION))
  return {
    requests: grown(requests),
    refused: grown(requests, status('4')),
    failed: grown(requests, status('5')),
    receivedBytes: grown('coffer_received_bytes_total', s3),
    sentBytes: grown('coffer_sent_bytes_total', s3),
    ...{ p50Ms: took(0.5), p95Ms: took(0.95), p99Ms: took(0.99) },
    keyCalls: grown('coffer_key_calls_total'),
    keyFailures: grown('coffer_key_failures_total'),
    unwraps: grown('coffer_key_calls_total', ({ call }) => call === 'unwrap'),
    controlRequests: grown('coffer_control_requests_total'),
  }
}

const DURATION = 'coffer_s3_request_duration_seconds'

function total(metrics: readonly Metric[], name: string, of: (labels: Labels) => boolean): number {
  const found = metrics.find((metric) => metric.name === name)
  if (!found || found.type === 'histogram') return 0
  return found.samples.reduce((sum, { labels, value }) => (of(labels) ? sum + value : sum), 0)
}

function histogram(metrics: readonly Metric[], name: string): Histogram | undefined {
  const found = metrics.find((metric) => metric.name === name)
  return found?.type === 'histogram' ? found : undefined
}

/** Milliseconds that such a share of the requests took at most; between two bounds of the histogram as if evenly spread. */
function spread(before: Histogram | undefined, after: Histogram | undefined): (share: number) => number | undefined {
  const bounds = after?.bounds ?? []
  const counts = [...bounds, Number.POSITIVE_INFINITY].map((_, at) =>
    Math.max(0, countAt(after, at) - countAt(before, at)),
  )
  const all = counts.reduce((sum, count) => sum + count, 0)
  return (share) => {
    if (all === 0) return undefined
    let left = share * all
    for (const [at, count] of counts.entries()) {
      const low = bounds[at - 1] ?? 0
      const high = bounds[at] ?? low
      if (count > 0 && left <= count) return Math.round((low + (high - low) * (left / count)) * 1e6) / 1000
      left -= count
    }
    return (bounds.at(-1) ?? 0) * 1000
  }
}

const countAt = (of: Histogram | undefined, at: number): number =>
  (of?.samples ?? []).reduce((sum, { counts }) => sum + (counts[at] ?? 0), 0)
