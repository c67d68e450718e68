import { hasCode } from '../../base/errors.ts'
import { traceIdOf } from '../../observe/tracing.ts'
import type { Api, ApiOperation } from './api.ts'
import type { ApiRequest } from './request.ts'

/** The part of pino that the listener needs. */
export interface AccessLogger {
  readonly info: (fields: object, message: string) => void
  readonly error: (fields: object, message: string) => void
}

interface Access {
  readonly api: Api
  readonly operation: ApiOperation | undefined
  readonly request: ApiRequest
  readonly status: number
  readonly error?: unknown
  readonly durationMs: number
  readonly remote: string | undefined
}

/** Never the query: it may hold what a careless client should have put elsewhere. */
export function logRequest(
  logger: AccessLogger,
  { api, operation, request, status, error, durationMs, remote }: Access,
): void {
  const fields = {
    requestId: request.id,
    correlationId: request.correlationId,
    traceId: traceIdOf(request.traceparent),
    api: api.name,
    operation: operation?.name,
    method: request.method,
    path: request.rawPath.slice(0, 256),
    status,
    code: hasCode(error) ? error.code : undefined,
    durationMs: Math.round(durationMs),
    remote,
  }
  if (status >= 500) logger.error({ ...fields, err: error }, 'request failed')
  else logger.info(fields, 'request')
}
