import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { MessageChannel } from 'node:worker_threads'
import { reset } from '../../api/common/reset.ts'
import type { S3Handler } from '../../api/s3/handler.ts'
import type { HandedOver } from './messages.ts'
import { Tunnel } from './tunnel.ts'

/** Of one connection: each end makes its own (RFC 9110, 7.6.1). */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding'])

/** Of an answer. */
const MAX_HEADER_BYTES = 64 * 1024

/**
 * Hands a request on to the thread that owns the stores, as it came and with the client's address, and its answer back. Each goes
 * over a connection of its own: one that was kept could end while the next request is on its way.
 */
export function handOver(send: (over: HandedOver) => void): S3Handler {
  return (incoming, response) =>
    new Promise((resolve) => {
      response.once('close', resolve)
      const onward = request({
        method: incoming.method,
        path: incoming.url,
        headers: headersOf(incoming),
        setHost: false,
        maxHeaderSize: MAX_HEADER_BYTES,
        createConnection: () => connect(incoming, send),
      })
      // Without a length there is no body, and whoever serves it says what that means.
      if (!hasBody(incoming)) onward.useChunkedEncodingByDefault = false
      onward.on('continue', () => response.writeContinue())
      let isOver = false
      onward.on('response', (answer) => {
        answer.once('end', () => {
          isOver = true
          onward.socket?.destroy()
        })
        passBack(answer, response)
      })
      onward.on('error', () => {
        if (!isOver) cut(response)
      })
      // A client that leaves is seen there, too.
      response.once('close', () => {
        if (!response.writableFinished) onward.destroy()
      })
      // Whatever Node does not send is found out here, where it can still be answered, and not in a listener.
      if (!onward.headersSent) onward.write('', 'latin1')
      passOn(incoming, onward)
    })
}

function connect({ socket }: IncomingMessage, send: (over: HandedOver) => void): Tunnel {
  const { port1, port2 } = new MessageChannel()
  const { remoteAddress, remotePort } = socket
  send({ port: port2, remoteAddress, remotePort, secure: 'encrypted' in socket })
  // Node names no encoding when it writes the head of a request with `Expect`. There is no other text.
  return new Tunnel(port1, { defaultEncoding: 'latin1' })
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined

function headersOf({ rawHeaders, httpVersion }: IncomingMessage): Record<string, string | string[]> {
  const headers = new Map<string, { readonly name: string; readonly values: string[] }>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = [rawHeaders[at], rawHeaders[at + 1]]
    const known = headers.get(name.toLowerCase())
    if (known) known.values.push(value)
    else headers.set(name.toLowerCase(), { name, values: [value] })
  }
  // HTTP/1.0 has no 100-continue, and need not name its host; what is handed on is HTTP/1.1.
  if (httpVersion === '1.0') headers.delete('expect')
  if (httpVersion === '1.0' && !headers.has('host')) headers.set('host', { name: 'host', values: [''] })
  headers.delete('keep-alive')
  // Means nothing without chunks, and is then refused by whoever sends it. S3's own trailers are named elsewhere, and lie in the body.
  if (!headers.has('transfer-encoding')) headers.delete('trailer')
  // The answer says close only where whoever serves it wants the client's connection to end.
  headers.set('connection', { name: 'connection', values: ['keep-alive'] })
  return Object.fromEntries(
    Array.from(headers.values(), ({ name, values }) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  )
}

function passOn(incoming: IncomingMessage, onward: ClientRequest): void {
  incoming.on('error', () => onward.destroy())
  incoming.once('aborted', () => onward.destroy())
  incoming.pipe(onward)
  // What nobody asked for is read away, as Node does it of a body that is left alone: behind it comes the next request.
  onward.once('close', () => {
    incoming.unpipe(onward)
    incoming.resume()
  })
}

function passBack(answer: IncomingMessage, response: ServerResponse): void {
  if (response.destroyed) return void answer.destroy()
  if (answer.headers.connection === 'close') response.shouldKeepAlive = false
  response.sendDate = false
  const headers = answer.rawHeaders.filter((_, at) => {
    const name = answer.rawHeaders[at - (at % 2)] ?? ''
    return !OF_CONNECTION.has(name.toLowerCase())
  })
  response.writeHead(answer.statusCode ?? 500, answer.statusMessage ?? '', headers)
  answer.once('error', () => cut(response))
  answer.once('aborted', () => cut(response))
  answer.pipe(response)
}

/** So that no client takes what it got for the whole. */
function cut({ socket, writableFinished }: ServerResponse): void {
  if (socket && !writableFinished) reset(socket)
}
