import type { IncomingMessage, ServerResponse } from 'node:http'
import { CodedError } from '../../base/errors.ts'
import { readTraceparent } from '../../observe/tracing.ts'
import type { ApiRequest, RequestErrorCode } from './request.ts'

/** Headers that name one thing: Node keeps the first of some of them silently, so a second one is refused. */
const SINGLE = new Set(['authorization', 'bluemix-instance', 'content-type', 'host', 'if-match', 'x-kms-key-ring'])

/** The parts that are always readable, for error answers too. Path parameters come with the operation. */
export function readRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  id: string,
): ApiRequest & { readonly rawQuery: string } {
  const target = incoming.url ?? '/'
  const mark = target.indexOf('?')
  const rawPath = mark < 0 ? target : target.slice(0, mark)
  return {
    id,
    correlationId:
      plainToken(incoming.headers['correlation-id']) ?? plainToken(incoming.headers['transaction-id']) ?? id,
    traceparent: readTraceparent(incoming.headers['traceparent']),
    method: incoming.method ?? 'GET',
    rawPath,
    rawQuery: mark < 0 ? '' : target.slice(mark + 1),
    url: `http://${plainToken(incoming.headers.host) ?? 'localhost'}${rawPath}`,
    param: (name) => {
      throw new Error(`the path has no parameter ${name}`)
    },
    query: new Map(),
    header: (name) => headerOf(incoming, name),
    remoteAddress: incoming.socket.remoteAddress,
    secure: 'encrypted' in incoming.socket,
    localPort: incoming.socket.localPort,
    signal: abortSignalOf(outgoing),
  }
}

/** What came in a header and may go back in another, or into a log. */
function plainToken(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && /^[A-Za-z0-9._:/[\]-]{1,128}$/.test(value) ? value : undefined
}

function headerOf(incoming: IncomingMessage, name: string): string | undefined {
  if (!Object.hasOwn(incoming.headers, name)) return undefined
  const value = incoming.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

function abortSignalOf(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) controller.abort()
  })
  return controller.signal
}

/** Throws BadPath, BadQuery or BadHeader. */
export function checkRequest(
  incoming: IncomingMessage,
  rawPath: string,
  rawQuery: string,
): ReadonlyMap<string, string> {
  refuseRepeatedHeaders(incoming)
  if (!rawPath.startsWith('/')) throw bad('BadPath', 'the request target is not a path')
  decode(rawPath, 'BadPath')
  return readQuery(rawQuery)
}

function refuseRepeatedHeaders(incoming: IncomingMessage): void {
  const seen = new Set<string>()
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    const name = incoming.rawHeaders[index]?.toLowerCase() ?? ''
    if (SINGLE.has(name) && seen.has(name)) throw bad('BadHeader', `${name} is given twice`)
    seen.add(name)
  }
}

function readQuery(rawQuery: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>()
  for (const pair of rawQuery.split('&')) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const name = decode(at < 0 ? pair : pair.slice(0, at), 'BadQuery')
    if (query.has(name)) throw bad('BadQuery', `the parameter ${name} is given twice`)
    query.set(name, at < 0 ? '' : decode(pair.slice(at + 1), 'BadQuery'))
  }
  return query
}

function decode(text: string, code: 'BadPath' | 'BadQuery'): string {
  try {
    const decoded = decodeURIComponent(code === 'BadQuery' ? text.replaceAll('+', ' ') : text)
    if (!decoded.includes('\0')) return decoded
  } catch {
    // Falls through: a bad escape and a NUL are the same mistake.
  }
  throw bad(code, `the ${code === 'BadPath' ? 'path' : 'query'} is not percent-encoded UTF-8`)
}

const bad = (code: RequestErrorCode, message: string): CodedError<RequestErrorCode> => new CodedError(code, message)
