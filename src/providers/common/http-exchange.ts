import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { lookupWithin, type MayReach, mayReachHost } from '../../base/public-address.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly signal: AbortSignal
}

export interface HttpReply {
  readonly status: number
  /** Lower-case names. */
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** One request and its whole answer. Rejects when there is none: no connection, no trust, no time, too long an answer. */
export type HttpExchange = (request: HttpRequest) => Promise<HttpReply>

export interface HttpExchangeOptions {
  /** PEM; certificates that are trusted instead of the system's. */
  readonly ca?: string | readonly string[]
  /** Also those of them that another one issued. */
  readonly trustsIssued?: boolean
  readonly maxConnections?: number
  /** Addresses that connections are made to. Default: any. */
  readonly mayReach?: MayReach | undefined
  /** What this side shows, where the other one asks for it. New connections are made with what is there then. */
  readonly client?: () => ClientCertificate
}

/** PEM. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
}

const MAX_REPLY_BYTES = 1024 * 1024
const IDLE_MS = 30_000

/** Connections are kept for the next request. */
export function httpExchange({
  ca,
  trustsIssued = false,
  maxConnections = 64,
  mayReach,
  client,
}: HttpExchangeOptions): HttpExchange & AsyncDisposable {
  const kept = {
    ...{ keepAlive: true, maxSockets: maxConnections, timeout: IDLE_MS },
    ...(mayReach ? { lookup: lookupWithin(mayReach) } : {}),
  }
  const http = new HttpAgent(kept)
  const https = new HttpsAgent({
    ...kept,
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca: [ca].flat() }),
    allowPartialTrustChain: trustsIssued,
  })

  const exchange = ({ method, url, headers, body, signal }: HttpRequest): Promise<HttpReply> => {
    if (mayReach && !mayReachHost(url, mayReach)) return Promise.reject(new Error(`${url.host} may not be reached`))
    const { promise, resolve, reject } = Promise.withResolvers<HttpReply>()
    const length = body === undefined && method === 'GET' ? {} : { 'content-length': String(body?.length ?? 0) }
    const options = { method, headers: { ...headers, ...length }, signal }
    const answered = (incoming: IncomingMessage): void => {
      whole(incoming).then(
        (bytes) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: bytes }),
        reject,
      )
    }
    const outgoing =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, ...client?.(), agent: https }, answered)
        : httpRequest(url, { ...options, agent: http }, answered)
    outgoing.on('error', reject)
    outgoing.end(body)
    return promise
  }
  return Object.assign(exchange, {
    [Symbol.asyncDispose]: async () => {
      http.destroy()
      https.destroy()
    },
  })
}

async function whole(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming) {
    size += chunk.length
    if (size > MAX_REPLY_BYTES) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  if (!incoming.complete) throw new Error('the answer is cut short')
  return Buffer.concat(chunks)
}
