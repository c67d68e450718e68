import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { unreachable } from './unreachable.ts'

export interface HttpCall {
  readonly method: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** PEM, trusted in place of those that Node carries. */
  readonly ca?: readonly string[] | undefined
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
    ...(ca === undefined ? {} : { ca: [...ca] }),
  }
  const asked = url.startsWith('https:') ? request(url, options, resolve) : plainRequest(url, options, resolve)
  asked.on('error', reject)
  asked.end(body)
  try {
    const reply = await promise
    return { status: reply.statusCode ?? 0, headers: reply.headers, body: await text(reply) }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw unreachable(url, error, 'control') ?? error
  }
}
