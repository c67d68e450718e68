import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { createEdgeServer, type TlsSource } from './edge-server.ts'
import { framingFault } from './framing.ts'
import { cutIdle } from './idle.ts'
import { inTurn } from './in-turn.ts'
import { openResponses } from './open-responses.ts'
import type { RequestErrorCode } from './request.ts'
import { type Refusal, rawAnswer, refuseUnparsable } from './unparsable.ts'

export interface ListenerLimits {
  readonly headersTimeoutMs: number
  /** For the whole request with its body. */
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  /** Of a client that is waited for: see `cutIdle`. */
  readonly idleTimeoutMs: number
  readonly maxHeaderBytes: number
  readonly maxConnections: number
}

const LIMITS: ListenerLimits = {
  headersTimeoutMs: 30_000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 65_000,
  idleTimeoutMs: 60_000,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 1024,
}

const MAX_LISTENERS = 20

export interface Address {
  readonly host: string
  readonly port: number
}

/** What a request is answered that cannot be read. `response`: of it, where there is one. */
export type Refuse = (
  code: Extract<RequestErrorCode, 'Unreadable' | 'HeadTooLarge' | 'RequestTimeout'>,
  response: ServerResponse | undefined,
) => Refusal

/** Of Node's HTTP parser. */
const CODES: ReadonlyMap<string | undefined, Parameters<Refuse>[0]> = new Map([
  ['HPE_HEADER_OVERFLOW', 'HeadTooLarge'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'RequestTimeout'],
])

export function createLimitedServer(
  handler: RequestListener,
  refuse: Refuse,
  given: Partial<ListenerLimits>,
  tls?: TlsSource,
  clientCa?: string,
): Server {
  const limits = { ...LIMITS, ...given }
  const server = createEdgeServer({ maxHeaderSize: limits.maxHeaderBytes, requireHostHeader: false }, tls, clientCa)
  const open = openResponses()
  const take = inTurn(wellFramed(handler, refuse), open)
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    // Koa, its pipeline and what is here listen to the end of one answer: that is no leak.
    response.setMaxListeners(MAX_LISTENERS)
    take(incoming, response)
  })
  refuseUnparsable(server, {
    isTls: tls !== undefined,
    open,
    refusal: (code, current) => refuse(CODES.get(code) ?? 'Unreadable', current),
  })
  cutIdle(server, open, limits.idleTimeoutMs)
  server.headersTimeout = limits.headersTimeoutMs
  // Of the APIs alone: see `withinTime`. What goes on to S3 may take as long as it needs.
  server.requestTimeout = 0
  server.keepAliveTimeout = limits.keepAliveTimeoutMs
  server.maxConnections = limits.maxConnections
  return server
}

/** What Node takes and RFC 9112 does not is answered as the rest of what cannot be read; its connection ends. */
const wellFramed =
  (handler: RequestListener, refuse: Refuse): RequestListener =>
  (incoming, response) => {
    const { httpVersion, headers: sent } = incoming
    // RFC 9112, 3.2: a server must answer 400 to a request of HTTP/1.1 that has no Host.
    const isNamed = sent.host !== undefined || httpVersion !== '1.1'
    if (isNamed && framingFault(httpVersion, sent['transfer-encoding']) === undefined) {
      handler(incoming, response)
      return
    }
    const { status, headers, body } = refuse('Unreadable', response)
    response.writeHead(status, { ...headers, Connection: 'close', 'Content-Length': Buffer.byteLength(body) }).end(body)
  }

/** A request whose body is not there in time is answered 408, and its connection ends. */
export function withinTime(handler: RequestListener, refuse: Refuse, given: Partial<ListenerLimits>): RequestListener {
  const { requestTimeoutMs } = { ...LIMITS, ...given }
  return (incoming, response) => {
    const timer = setTimeout(() => {
      if (incoming.complete) return
      // Not into the answer to an earlier request of the connection.
      if (!response.headersSent && response.socket) incoming.socket.write(rawAnswer(refuse('RequestTimeout', response)))
      incoming.socket.destroySoon()
    }, requestTimeoutMs)
    const stop = (): void => clearTimeout(timer)
    incoming.once('end', stop)
    response.once('close', stop)
    handler(incoming, response)
  }
}

export function listen(server: Server, { host, port }: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('the server listens on no port'))
      else resolve({ host: address.address, port: address.port })
    })
  })
}

export async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(timer)
}
