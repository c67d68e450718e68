import { type Api, defineApi } from './api.ts'
import { jsonOperations, noBody } from './json-operation.ts'
import { plainProtocol } from './plain-protocol.ts'

/** A number as it is now, for each value of a label. Shown to anybody: no label may name a tenant or a key. */
export interface Gauge {
  /** `coffer_buckets`. */
  readonly name: string
  readonly help: string
  readonly label: string
  readonly values: Readonly<Record<string, number>>
}

/** `GET /metrics` in the text format of Prometheus, version 0.0.4. */
export function metricsApi(read: () => readonly Gauge[]): Api {
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

const exposition = ({ name, help, label, values }: Gauge): string =>
  [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...Object.entries(values).map(([value, number]) => `${name}{${label}="${value}"} ${number}`),
    '',
  ].join('\n')
