import { counting, type Metric, timing } from '../../observe/metrics.ts'

export interface ServedRequest {
  readonly operation: string
  readonly status: number
  /** Undefined: it went well. */
  readonly code: string | undefined
  readonly seconds: number
}

/** What one listener served. */
export interface RequestMetrics {
  readonly served: (request: ServedRequest) => void
  readonly read: () => readonly Metric[]
}

/** `prefix`: `coffer_s3`. Operations and codes are words of ours, so there are only so many. */
export function requestMetrics(prefix: string, what: string): RequestMetrics {
  const requests = counting({
    ...{ name: `${prefix}_requests_total`, help: `Requests to ${what}, by operation and status.` },
    labels: ['operation', 'status'],
  })
  const errors = counting({
    ...{
      name: `${prefix}_errors_total`,
      help: `Requests to ${what} that were refused or failed, by operation and code.`,
    },
    labels: ['operation', 'code'],
  })
  const seconds = timing({
    ...{
      name: `${prefix}_request_duration_seconds`,
      help: `How long requests to ${what} took, until the last byte was handed on.`,
    },
    labels: ['operation'],
  })
  return {
    served: ({ operation, status, code, seconds: took }) => {
      requests.add(1, operation, `${status}`)
      if (code !== undefined) errors.add(1, operation, code)
      seconds.observe(took, operation)
    },
    read: () => [requests.read(), errors.read(), seconds.read()],
  }
}
