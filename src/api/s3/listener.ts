import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { S3Handler } from './handler.ts'

const HEADERS_TIMEOUT_MS = 60_000
/** No byte either way for this long: the connection is cut. Uploads and downloads as a whole may take as long as they need. */
const IDLE_TIMEOUT_MS = 60_000
const KEEP_ALIVE_TIMEOUT_MS = 65_000
const MAX_HEADER_BYTES = 32 * 1024
const MAX_CONNECTIONS = 10_000

/**
 * The S3 port, on node:http alone: the object path pays for every layer, and S3's own routing reads the raw target.
 * `Expect: 100-continue` goes to the same handler, which answers it when the body is first read.
 */
export function createS3Server(handler: S3Handler): Server {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false, keepAlive: true })
  const serve: Parameters<typeof server.on<'request'>>[1] = (incoming, response) => {
    // A client that resets its connection is no error of ours.
    response.on('error', () => {})
    incoming.on('error', () => {})
    void handler(incoming, response)
  }
  server.on('request', serve)
  server.on('checkContinue', serve)
  server.on('checkExpectation', serve)
  server.on('clientError', refuseUnparsable)
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = 0
  server.timeout = IDLE_TIMEOUT_MS
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS
  server.maxConnections = MAX_CONNECTIONS
  return server
}

/** What isn't HTTP never becomes a request: it gets S3's answer all the same, and the connection ends. */
function refuseUnparsable(
  error: NodeJS.ErrnoException,
  socket: Socket | (NodeJS.WritableStream & { destroy?: () => void; writable?: boolean }),
): void {
  if (!socket.writable) {
    socket.destroy?.()
    return
  }
  const [status, code] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['400 Bad Request', 'RequestHeaderSectionTooLarge']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['400 Bad Request', 'RequestTimeout']
        : ['400 Bad Request', 'BadRequest']
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>The request could not be read.</Message></Error>`
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
