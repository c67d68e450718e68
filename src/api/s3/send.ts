import { once } from 'node:events'
import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http'
import { readAhead } from '../../objects/read-ahead.ts'
import type { S3Error } from './error-codes.ts'
import type { ReplyBody, S3Reply } from './operation.ts'
import { xml } from './xml/encode.ts'

/**
 * Writes a reply with back-pressure. A body that fails after the status line resets the connection: a clean end of a
 * short body would look complete to some clients, and IBM's waits for ever on a plain close.
 */
export async function send(response: ServerResponse, reply: S3Reply, bodyless: boolean): Promise<void> {
  const { status, body } = reply
  if (response.destroyed) return leave(body)
  const headers: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(reply.headers ?? {})) if (value !== undefined) headers[name] = value
  if (typeof body === 'string' || Buffer.isBuffer(body)) headers['content-length'] = Buffer.byteLength(body)
  else if (body === undefined && headers['content-length'] === undefined && status !== 204 && status !== 304) {
    headers['content-length'] = 0
  }
  try {
    writeHead(response, status, headers)
  } catch (error) {
    await leave(body)
    throw error
  }
  if (bodyless || body === undefined) {
    await leave(body)
    response.end()
    return
  }
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    response.end(body)
    return
  }
  await stream(response, body, reply.revoked)
}

/** A head that cannot be written leaves nothing behind, so that the answer that says so is not mixed with it. */
function writeHead(response: ServerResponse, status: number, headers: OutgoingHttpHeaders): void {
  const before = new Set(response.getHeaderNames())
  try {
    // Node would keep the reason phrase of an earlier attempt.
    response.writeHead(status, STATUS_CODES[status] ?? '', headers)
  } catch (error) {
    for (const name of response.getHeaderNames()) if (!before.has(name)) response.removeHeader(name)
    throw error
  }
}

/** Waiting for every chunk to leave costs a turn of the event loop each; not waiting costs memory for every slow client. */
const AHEAD_BYTES = 256 * 1024
const writeAheads = readAhead(64)

async function stream(response: ServerResponse, body: AsyncIterable<Buffer>, revoked?: AbortSignal): Promise<void> {
  using ahead = writeAheads.take()
  const aheadBytes = ahead ? AHEAD_BYTES : 0
  const gone = new AbortController()
  const onClose = (): void => gone.abort()
  response.once('close', onClose)
  const signal = revoked ? AbortSignal.any([gone.signal, revoked]) : gone.signal
  try {
    for await (const chunk of body) {
      if (response.destroyed) return
      const room = response.write(chunk)
      if (!room && response.writableLength > aheadBytes) await once(response, 'drain', { signal })
      revoked?.throwIfAborted()
    }
    response.end()
  } catch (error) {
    // The client went away while we waited: nobody is left to be told.
    if (gone.signal.aborted) return
    response.socket?.resetAndDestroy()
    throw revoked?.aborted ? revoked.reason : error
  } finally {
    response.off('close', onClose)
  }
}

/** A stream that nobody will read is closed, so that what it holds is released. */
export async function leave(body: ReplyBody | undefined): Promise<void> {
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) return
  await body[Symbol.asyncIterator]().return?.()
}

export function errorReply(error: S3Error, resource: string, requestId: string): S3Reply {
  if (error.status === 304) return { status: 304, headers: error.headers }
  const document = xml(
    'Error',
    {
      Code: error.code,
      Message: error.message,
      ...error.extra,
      Resource: resource,
      RequestId: requestId,
      HostId: 'coffer',
      httpStatusCode: error.status,
    },
    { namespace: '' },
  )
  return { status: error.status, headers: { ...error.headers, 'content-type': 'application/xml' }, body: document }
}
