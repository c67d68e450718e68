import { tracingChannel } from 'node:diagnostics_channel'

/**
 * What a channel tells of, for whoever makes spans: docs/observability.md. One object for its life, from `start` to `asyncEnd`;
 * what is known later is added to it.
 */
export interface Traced {
  /** Of a span: `PutObject`; what is known at the start is less. */
  name: string
  readonly requestId: string | undefined
  /**
   * W3C: whose part this is. A subscriber may put its own span there at the start: from then on that is written to the log
   * and passed on to whom we call.
   */
  traceparent: string | undefined
  /** By OpenTelemetry's semantic names where it has one, by `coffer.…` where not. Nothing secret. */
  readonly attributes: Record<string, string | number | boolean>
  /** By Node: what it rejected with. */
  error?: unknown
}

/**
 * Only who subscribes pays: whoever publishes asks `hasSubscribers` first. They publish `tracing:NAME:start`, `end`,
 * `asyncStart`, `asyncEnd` and `error`, as `TracingChannel.tracePromise` does.
 */
export const s3Requests = tracingChannel<object, Traced>('coffer:s3:request')
export const controlRequests = tracingChannel<object, Traced>('coffer:control:request')
/** Of key services: in this process or elsewhere. */
export const keyServiceCalls = tracingChannel<object, Traced>('coffer:kms:call')
/** Of an event, to a webhook or a NATS server. */
export const deliveries = tracingChannel<object, Traced>('coffer:notification:delivery')

/**
 * A `traceparent` as W3C Trace Context, level 1, reads it: of a version that we do not know, as much as we know of it.
 * Undefined: not of that form, so that nothing a client sends gets into a log or a call by this way.
 */
export function readTraceparent(header: unknown): string | undefined {
  if (typeof header !== 'string') return undefined
  const [, version, ids, more] = TRACEPARENT.exec(header) ?? []
  if (ids === undefined || (version === '00' && more !== '')) return undefined
  return `00-${ids}`
}

const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})(|-.*)$/

/** 32 hexadecimal digits, beside the id of the request in the log. */
export const traceIdOf = (traceparent: string | undefined): string | undefined => traceparent?.slice(3, 35)
