import { EXPOSITION_TYPE, exposition } from '../../observe/exposition.ts'
import type { Metric } from '../../observe/metrics.ts'
import { type Api, defineApi } from './api.ts'
import { jsonOperations, noBody } from './json-operation.ts'
import { plainProtocol } from './plain-protocol.ts'

/** `GET /metrics`, for Prometheus. */
export function metricsApi(read: () => readonly Metric[] | Promise<readonly Metric[]>): Api {
  return defineApi(plainProtocol('metrics', ['/metrics']), [
    jsonOperations<undefined>()({
      name: 'GetMetrics',
      method: 'GET',
      path: '/metrics',
      anonymous: true,
      body: noBody,
      run: async () => ({
        status: 200,
        headers: { 'Content-Type': EXPOSITION_TYPE },
        body: exposition(await read()),
      }),
    }),
  ])
}
