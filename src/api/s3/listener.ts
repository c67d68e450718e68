import type { Server, ServerResponse } from 'node:http'
import { randomId } from '../../base/ids.ts'
import { createEdgeServer, type TlsSource } from '../common/edge-server.ts'
import { cutIdle } from '../common/idle.ts'
import { inTurn } from '../common/in-turn.ts'
import { openResponses } from '../common/open-responses.ts'
import { type Refusal, refuseUnparsable } from '../common/unparsable.ts'
import { S3Error, type S3ErrorCode } from './error-codes.ts'
import type { S3Handler } from './handler.ts'
import { requestIdOf } from './request-name.ts'
import { errorReply } from './send.ts'

const HEADERS_TIMEOUT_MS = 60_000
/** Uploads and downloads as a whole may take as long as they need. */
const IDLE_TIMEOUT_MS = 60_000
const KEEP_ALIVE_TIMEOUT_MS = 65_000
export const MAX_HEADER_BYTES = 32 * 1024

export interface S3ServerOptions {
  readonly maxHeaderBytes?: number
  readonly idleTimeoutMs?: number
  /** Further connections are closed. No limit when left out. */
  readonly maxConnections?: number
  readonly tls?: TlsSource | undefined
}

/**
 * The S3 port, on node:http alone: the object path pays for every layer, and S3's own routing reads the raw target.
 * Requests with `Expect` go to the same handler, which answers `100-continue` when the body is first read.
 */
export function createS3Server(handler: S3Handler, options: S3ServerOptions = {}): Server {
  const { idleTimeoutMs = IDLE_TIMEOUT_MS, maxHeaderBytes = MAX_HEADER_BYTES, maxConnections, tls } = options
  const edge = { maxHeaderSize: maxHeaderBytes, requireHostHeader: false, keepAlive: true }
  const server = createEdgeServer(edge, tls)
  // A client that has said all it has to say may close its side and still waits for the answer.
  Object.assign(server, { httpAllowHalfOpen: true })
  const open = openResponses()
  const take = inTurn(handler, open)
  const serve: Parameters<typeof server.on<'request'>>[1] = (incoming, response) => {
    // A client that resets its connection is no error of ours.
    response.on('error', () => {})
    incoming.on('error', () => {})
    take(incoming, response)
  }
  server.on('request', serve)
  server.on('checkContinue', serve)
  server.on('checkExpectation', serve)
  refuseUnparsable(server, { isTls: tls !== undefined, open, refusal })
  cutIdle(server, open, idleTimeoutMs)
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = 0
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS
  if (maxConnections !== undefined) server.maxConnections = maxConnections
  return server
}

function refusal(parserCode = '', current: ServerResponse | undefined): Refusal {
  const code = (current && BODY_CODES.get(parserCode)) ?? CODES.get(parserCode) ?? 'BadRequest'
  const message = code === 'BadRequest' ? 'The request could not be read.' : undefined
  const requestId = (current && requestIdOf(current)) ?? randomId()
  const resource = (current?.req.url ?? '/').split('?', 1)[0] ?? '/'
  const { body } = errorReply(new S3Error(code, message), resource, requestId)
  return {
    status: 400,
    headers: { 'Content-Type': 'application/xml', 'x-amz-request-id': requestId, 'x-amz-id-2': requestId },
    body: typeof body === 'string' ? body : '',
  }
}

/** Of Node's HTTP parser. */
const CODES: ReadonlyMap<string, S3ErrorCode> = new Map([
  ['HPE_HEADER_OVERFLOW', 'RequestHeaderSectionTooLarge'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'RequestTimeout'],
])
/** The same, while a body is read. */
const BODY_CODES: ReadonlyMap<string, S3ErrorCode> = new Map([['HPE_INVALID_EOF_STATE', 'IncompleteBody']])
