import { randomBytes } from 'node:crypto'
import { tracingChannel } from 'node:diagnostics_channel'
import type { Traced } from '../src/observe/tracing.ts'

/**
 * Sends spans of Coffer to an OpenTelemetry collector, by OTLP over HTTP in JSON, and needs no package for it:
 *
 *     OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 NODE_OPTIONS="--import ./examples/opentelemetry.ts" npm start
 *
 * docs/observability.md has the same for who uses OpenTelemetry's own SDK.
 */
const ENDPOINT = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? 'http://127.0.0.1:4318'
const SERVICE = process.env['OTEL_SERVICE_NAME'] ?? 'coffer'

/** OTLP's numbers of kinds. */
const SERVER = 2
const CLIENT = 3
const PRODUCER = 4
const CHANNELS = [
  ['coffer:s3:request', SERVER],
  ['coffer:control:request', SERVER],
  ['coffer:kms:call', CLIENT],
  ['coffer:notification:delivery', PRODUCER],
] as const

const FLUSH_MS = 1000
/** Spans that wait; more are dropped rather than kept. */
const MOST = 2048
const TIMEOUT_MS = 5000

interface Running {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly sampled: boolean
  readonly beganNanos: bigint
}

const running = new WeakMap<object, Running>()
let ended: object[] = []

/** Its own span takes the place of the parent, so that what Coffer logs and calls from here on belongs to it. */
function begin(traced: Traced): void {
  const [, traceId = randomBytes(16).toString('hex'), parentSpanId, flags = '01'] = traced.traceparent?.split('-') ?? []
  const spanId = randomBytes(8).toString('hex')
  const sampled = (Number.parseInt(flags, 16) & 1) === 1
  running.set(traced, { traceId, spanId, parentSpanId, sampled, beganNanos: now() })
  traced.traceparent = `00-${traceId}-${spanId}-${flags}`
}

function end(traced: Traced, kind: number): void {
  const span = running.get(traced)
  // What is handed to another thread is told of there.
  if (!span?.sampled || traced.attributes['coffer.handed_over'] === true || ended.length >= MOST) return
  const { traceId, spanId, parentSpanId, beganNanos } = span
  ended.push({
    ...{ traceId, spanId, parentSpanId, kind, name: traced.name },
    ...{ startTimeUnixNano: `${beganNanos}`, endTimeUnixNano: `${now()}` },
    attributes: Object.entries(traced.attributes).map(([key, value]) => ({ key, value: anyValue(value) })),
    status: hasFailed(traced, kind) ? { code: 2 } : {},
  })
}

/** As OpenTelemetry has it: what a client did wrong is no error of the server's span. */
function hasFailed({ attributes, error }: Traced, kind: number): boolean {
  const status = attributes['http.response.status_code']
  return kind === SERVER ? typeof status === 'number' && status >= 500 : error !== undefined
}

const anyValue = (value: string | number | boolean): object => {
  if (typeof value === 'number') return { intValue: `${value}` }
  return typeof value === 'boolean' ? { boolValue: value } : { stringValue: value }
}

const now = (): bigint => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6))

async function flush(): Promise<void> {
  if (ended.length === 0) return
  const spans = ended
  ended = []
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: SERVICE } }] }
  const body = { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'coffer' }, spans }] }] }
  try {
    const headers = { 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const reply = await fetch(`${ENDPOINT}/v1/traces`, { method: 'POST', headers, body: JSON.stringify(body), signal })
    await reply.body?.cancel()
  } catch {
    // A collector that is away costs spans, and nothing else.
  }
}

for (const [name, kind] of CHANNELS) {
  const channel = tracingChannel<object, Traced>(name)
  channel.start.subscribe((message) => begin(message as Traced))
  channel.asyncEnd.subscribe((message) => end(message as Traced, kind))
}
setInterval(() => void flush(), FLUSH_MS).unref()
process.on('beforeExit', () => void flush())
