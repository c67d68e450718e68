import { type Api, defineApi } from './api.ts'
import { jsonOperations, noBody } from './json-operation.ts'
import { plainProtocol } from './plain-protocol.ts'

/** A number as it is now, for each value of a label. Shown to anybody: no label may name a tenant or a key. */
export interface Metric {
  /** `coffer_buckets`. */
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly label: string
  readonly values: Readonly<Record<string, number>>
}

/** A counter's name ends in `_total`, and its numbers only grow. */
export type Counter = Metric & { readonly type: 'counter' }
export type Gauge = Metric & { readonly type: 'gauge' }

/** `GET /metrics` in the text format of Prometheus, version 0.0.4. */
export function metricsApi(read: () => readonly Metric[]): Api {
  return defineApi(plainProtocol('metrics', ['/metrics']), [
    jsonOperations<undefined>()({
      name: 'GetMetrics',
      method: 'GET',
      path: '/metrics',
      anonymous: true,
      body: noBody,
      run: async () => ({
        status: 200,
        headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' },
        body: read().map(exposition).join(''),
      }),
    }),
  ])
}

const exposition = ({ name, help, type, label, values }: Metric): string =>
  [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...Object.entries(values).map(([value, number]) => `${name}{${label}="${value}"} ${number}`),
    '',
  ].join('\n')
