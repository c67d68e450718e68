import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { S3Handler } from './handler.ts'
import { type OpenResponses, openResponses } from './open-responses.ts'

const HEADERS_TIMEOUT_MS = 60_000
/**
 * No byte either way for this long, and it is the client that is waited for: the connection is cut. Uploads and downloads
 * as a whole, and the work between the last byte of a request and the first one of its answer, may take as long as they need.
 */
const IDLE_TIMEOUT_MS = 60_000
const KEEP_ALIVE_TIMEOUT_MS = 65_000
const MAX_HEADER_BYTES = 32 * 1024

export interface S3ServerOptions {
  readonly idleTimeoutMs?: number
  /** Further connections are closed. No limit when left out. */
  readonly maxConnections?: number
}

/**
 * The S3 port, on node:http alone: the object path pays for every layer, and S3's own routing reads the raw target.
 * Requests with `Expect` go to the same handler, which answers `100-continue` when the body is first read.
 */
export function createS3Server(handler: S3Handler, options: S3ServerOptions = {}): Server {
  const { idleTimeoutMs = IDLE_TIMEOUT_MS, maxConnections } = options
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false, keepAlive: true })
  const open = openResponses()
  const serve: Parameters<typeof server.on<'request'>>[1] = (incoming, response) => {
    // A client that resets its connection is no error of ours.
    response.on('error', () => {})
    incoming.on('error', () => {})
    open.add(response)
    void handler(incoming, response)
  }
  server.on('request', serve)
  server.on('checkContinue', serve)
  server.on('checkExpectation', serve)
  server.on('clientError', (error, socket) => refuseUnparsable(error, socket, open))
  server.on('timeout', (socket) => {
    const [current] = open.of(socket)
    // The timer has run out and starts again only with the next byte.
    if (current && waitsForUs(current)) socket.setTimeout(idleTimeoutMs)
    else socket.destroy()
  })
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = 0
  server.timeout = idleTimeoutMs
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS
  if (maxConnections !== undefined) server.maxConnections = maxConnections
  return server
}

/** The client has sent all that we want to read for now, and gets to read nothing yet. */
function waitsForUs({ headersSent, req }: ServerResponse): boolean {
  return !headersSent && (req.complete || req.readableFlowing !== true)
}

/** What isn't HTTP never becomes a request: it gets S3's answer all the same, and the connection ends. */
function refuseUnparsable(error: NodeJS.ErrnoException, socket: Duplex, open: OpenResponses): void {
  if (!socket.writable) {
    // Not reset: Node does not get to close a connection that it is shutting down already.
    socket.destroy()
    return
  }
  if (!mayAnswer(open.of(socket))) {
    reset(socket)
    return
  }
  const code =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'RequestHeaderSectionTooLarge'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'RequestTimeout'
        : 'BadRequest'
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>The request could not be read.</Message></Error>`
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/**
 * Nothing is owed, or only the answer to the very request whose body can't be read. Anywhere else the refusal would be
 * taken for the answer to an earlier request, or for bytes of the object in it.
 */
function mayAnswer([current, ...later]: readonly ServerResponse[]): boolean {
  return current === undefined || (later.length === 0 && !current.headersSent && !current.req.complete)
}

/** A plain close could pass for the end of an answer without a length. */
function reset(socket: Duplex & { readonly resetAndDestroy?: () => void }): void {
  if (socket.resetAndDestroy) socket.resetAndDestroy()
  else socket.destroy()
}
