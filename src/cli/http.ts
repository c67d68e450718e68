import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { CommandFailure } from './failure.ts'

export interface HttpCall {
  readonly method: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** PEM, trusted besides the system's. */
  readonly ca?: string | undefined
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

const TIMEOUT_MS = 60_000

/** Throws CommandFailure when nobody answers. */
export async function http({
  method,
  url,
  headers = {},
  body,
  ca,
  signal,
  timeoutMs = TIMEOUT_MS,
}: HttpCall): Promise<HttpReply> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const timeout = AbortSignal.timeout(timeoutMs)
  const options = {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    ...(ca === undefined ? {} : { ca }),
  }
  const asked = url.startsWith('https:') ? request(url, options, resolve) : plainRequest(url, options, resolve)
  asked.on('error', reject)
  asked.end(body)
  try {
    const reply = await promise
    return { status: reply.statusCode ?? 0, headers: reply.headers, body: await text(reply) }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw unreachable(url, error)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'there is no host of that name',
  ECONNRESET: 'the connection was closed',
  ETIMEDOUT: 'it does not answer',
  TimeoutError: 'it does not answer in time',
  ABORT_ERR: 'it does not answer in time',
}

export function unreachable(url: string, error: unknown): CommandFailure {
  const code = codeOf(error)
  const reason = REASONS[code] ?? (error instanceof Error ? error.message : String(error))
  const origin = URL.canParse(url) ? new URL(url).origin : url
  return new CommandFailure(
    {
      code: 'Unreachable',
      ending: 'failed',
      why: `${origin} cannot be reached, ${reason}`,
      fixes: ['coffer health', 'coffer login URL'],
    },
    error,
  )
}

/** Of connections to several addresses, that of the first. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  if (typeof error !== 'object' || error === null) return ''
  const code = 'code' in error ? error.code : 'name' in error ? error.name : ''
  return typeof code === 'string' ? code : ''
}
