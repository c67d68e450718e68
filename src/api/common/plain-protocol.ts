import { z } from 'zod'
import { type CodedError, hasCode } from '../../base/errors.ts'
import type { JsonProtocol } from './json-operation.ts'
import type { Reply } from './reply.ts'
import { json } from './reply.ts'
import { REQUEST_ERROR_CODES, type RequestErrorCode } from './request.ts'

const STATUS = {
  BadPath: 400,
  BadQuery: 400,
  BadHeader: 400,
  NoSuchPath: 404,
  MethodNotAllowed: 405,
  BodyMissing: 400,
  BodyMalformed: 400,
  BodyInvalid: 400,
  BodyTooLarge: 413,
  BodyEncoded: 415,
  BodyIncomplete: 400,
  Unreadable: 400,
  HeadTooLarge: 431,
  RequestTimeout: 408,
  TooManyRequests: 429,
} as const satisfies Record<RequestErrorCode, number>

export function isRequestError(error: unknown): error is CodedError<RequestErrorCode> {
  return hasCode(error, ...REQUEST_ERROR_CODES)
}

/** The HTTP status of a request error, the same in every protocol that has no own opinion. */
export const requestErrorStatus = (code: RequestErrorCode): number => STATUS[code]

/** `{"error":{"code","message"}}`: for paths of no API and for those of our own without an error language to honour. */
export function plainProtocol(name: string, prefixes: readonly string[]): JsonProtocol<undefined> {
  return { name, prefixes, authenticate: async () => undefined, renderError: renderPlainError, error: plainError }
}

export const plainError = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

export function renderPlainError(error: unknown): Reply {
  if (!isRequestError(error)) return json(500, { error: { code: 'InternalError', message: 'internal error' } })
  return json(requestErrorStatus(error.code), { error: { code: error.code, message: error.message } }, headersOf(error))
}

/** A 405 must name the methods; a 429 says when to come again. */
export function headersOf(error: CodedError): Readonly<Record<string, string>> {
  const { allow, retryAfterMs } = error.details
  return {
    ...(typeof allow === 'string' ? { Allow: allow } : {}),
    ...(typeof retryAfterMs === 'number' ? { 'Retry-After': String(Math.ceil(retryAfterMs / 1000)) } : {}),
  }
}
