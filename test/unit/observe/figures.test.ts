import { describe, expect, it } from 'vitest'
import { connectionMetrics } from '../../../src/api/common/connection-metrics.ts'
import { requestMetrics } from '../../../src/api/common/request-metrics.ts'
import { figuresBetween } from '../../../src/observe/figures.ts'
import type { Metric } from '../../../src/observe/metrics.ts'
import { keyCalls } from '../../../src/providers/counted-provider.ts'

const served = (requests: ReturnType<typeof requestMetrics>, status: number, seconds: number, count = 1) => {
  for (let n = 0; n < count; n++) requests.served({ operation: 'GetObject', status, code: undefined, seconds })
}

describe('What was going on between two looks at the counters', () => {
  it('is what they grew by', () => {
    const s3 = requestMetrics('coffer_s3', 'S3')
    const control = requestMetrics('coffer_control', 'control')
    served(s3, 200, 0.003, 10)
    const before = [...s3.read(), ...control.read()]
    served(s3, 200, 0.003, 97)
    served(s3, 403, 0.02, 2)
    served(s3, 503, 4)
    served(control, 200, 1, 5)
    expect(figuresBetween(before, [...s3.read(), ...control.read()])).toMatchObject({
      ...{ requests: 100, refused: 2, failed: 1, controlRequests: 5, unwraps: 0, keyCalls: 0 },
    })
    expect(figuresBetween(before, before)).toMatchObject({ requests: 0, p50Ms: undefined, p99Ms: undefined })
  })

  it('tells how long requests took within the bounds that they are counted by', () => {
    const s3 = requestMetrics('coffer_s3', 'S3')
    served(s3, 200, 0.003, 90)
    served(s3, 200, 0.04, 9)
    served(s3, 200, 1000)
    const { p50Ms = 0, p95Ms = 0, p99Ms = 0 } = figuresBetween([], s3.read())
    expect([p50Ms > 2.5 && p50Ms <= 5, p95Ms > 25 && p95Ms <= 50, p99Ms <= 50]).toEqual([true, true, true])
  })

  it('speaks of metrics that there are', () => {
    const named = (metrics: readonly Metric[]) => metrics.map(({ name }) => name)
    const known = [
      ...named([...requestMetrics('coffer_s3', '').read(), ...requestMetrics('coffer_control', '').read()]),
      ...named([...keyCalls().read(), ...connectionMetrics({})()]),
    ]
    expect(known).toEqual(
      expect.arrayContaining([
        ...['coffer_s3_requests_total', 'coffer_s3_request_duration_seconds', 'coffer_control_requests_total'],
        ...['coffer_key_calls_total', 'coffer_key_failures_total', 'coffer_received_bytes_total'],
        'coffer_sent_bytes_total',
      ]),
    )
  })
})
