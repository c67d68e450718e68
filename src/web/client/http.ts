import { ApiError } from './api-error.ts'
import { noteAnswer, noteNoAnswer } from './connection.ts'
import { readError } from './read-error.ts'
import { markExpired, sessionState, signedInAgain } from './session.ts'

export interface Call {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Left out: undefined ones. `''` gives a name alone (`?versioning`). */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string | Blob
  readonly signal?: AbortSignal | undefined
}

/** Of the server's own paths: nothing is asked of anybody else. */
export const API = '/ui/api'
export const S3 = '/ui/s3'
export const SESSION = '/ui/session'

/**
 * The answer to a call, when it is a good one. Throws ApiError. When the session has ended it waits until somebody has
 * signed in again, and asks once more: what a page was at is not lost.
 */
export async function call(path: string, request: Call = {}): Promise<Response> {
  const asked = sessionState.get()
  const response = await ask(path, request)
  if (response.ok || response.status === 304) return response
  const error = await readError(response)
  if (!isNoSession(error)) throw error
  // One that ended before somebody signed in again may be told of afterwards.
  if (sessionState.get() === asked) markExpired()
  const { status } = sessionState.get()
  if (status === 'expired') await signedInAgain()
  else if (status !== 'signed-in') throw error
  return call(path, request)
}

/** Of the gate, and of no API behind it. */
const isNoSession = ({ status, code }: ApiError): boolean => status === 401 && code === 'NoSession'

async function ask(path: string, { method = 'GET', query, headers, body, signal }: Call): Promise<Response> {
  try {
    const response = await fetch(path + queryText(query), {
      method,
      headers: { ...definedOf(headers), ...(method === 'GET' || method === 'HEAD' ? {} : csrf()) },
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    })
    noteAnswer(response)
    return response
  } catch (error) {
    if (signal?.aborted) throw error
    noteNoAnswer()
    throw new ApiError({ code: 'Unreachable', message: 'The server cannot be reached. Is it running?', status: 0 })
  }
}

/** Does the server answer, whatever it says? */
export const reach = (): Promise<boolean> =>
  ask(SESSION, {}).then(
    () => true,
    () => false,
  )

/** For what does not go through `call`: uploads with progress. */
export function csrf(): Record<string, string> {
  const state = sessionState.get()
  return 'session' in state ? { 'x-coffer-csrf': state.session.csrfToken } : {}
}

export async function callJson(
  path: string,
  { json, headers, ...rest }: Omit<Call, 'body'> & { readonly json?: unknown } = {},
): Promise<unknown> {
  const response = await call(path, {
    ...rest,
    headers: {
      accept: 'application/json',
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  })
  const text = await response.text()
  return text === '' ? undefined : JSON.parse(text)
}

export function queryText(query: Call['query'] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [value === '' ? encodeURIComponent(name) : `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`],
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

const definedOf = (headers: Call['headers'] = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
