import { type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { OpenResponses } from './open-responses.ts'
import { reset } from './reset.ts'

/** In the words of the protocol that the client speaks. */
export interface Refusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface UnparsableOptions {
  readonly isTls: boolean
  readonly open: OpenResponses
  /** `code`: of Node's HTTP parser. `current`: of the request whose body it is; absent where it is a head. */
  readonly refusal: (code: string | undefined, current: ServerResponse | undefined) => Refusal
}

/** What isn't HTTP never becomes a request: it gets an answer all the same, and the connection ends. */
export function refuseUnparsable(server: Server, { isTls, open, refusal }: UnparsableOptions): void {
  const secured = new WeakSet<Duplex>()
  server.on('secureConnection', (socket: Duplex) => secured.add(socket))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // A handshake that failed leaves nothing to answer through. Not reset: Node does not get to close a connection that it is shutting down already.
    if ((isTls && !secured.has(socket)) || !socket.writable) {
      socket.destroy()
      return
    }
    const owed = open.of(socket)
    const [current] = owed
    if (owed.length === 1 && current?.headersSent && current.statusCode >= 400 && !current.req.complete) {
      // It was refused by its head, and what cannot be read is the body that is read away: the answer gets there.
      setImmediate(() => socket.end())
      return
    }
    if (mayAnswer(owed)) socket.end(rawAnswer(refusal(error.code, current)))
    else reset(socket)
  })
}

/** For a connection that has no response of Node's to answer by. */
export function rawAnswer({ status, headers, body }: Refusal): string {
  const lines = Object.entries({
    Connection: 'close',
    ...headers,
    'Content-Length': String(Buffer.byteLength(body)),
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}

/**
 * Nothing is owed, or only the answer to the very request whose body can't be read. Anywhere else the refusal would be
 * taken for the answer to an earlier request, or for bytes of the object in it.
 */
function mayAnswer([current, ...later]: readonly ServerResponse[]): boolean {
  return current === undefined || (later.length === 0 && !current.headersSent && !current.req.complete)
}
