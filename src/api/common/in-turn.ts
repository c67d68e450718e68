import type { IncomingMessage, ServerResponse } from 'node:http'
import type { OpenResponses } from './open-responses.ts'
import { reset } from './reset.ts'

/** More on one connection than any client sends ahead, and few enough to wait in memory. */
const MAX_WAITING = 16

type Handler = (incoming: IncomingMessage, response: ServerResponse) => Promise<void> | void

/**
 * One request of a connection at a time. RFC 9112, 9.3.2: requests that were sent ahead may be processed in parallel only
 * if all have safe methods; and each answer that waits for its turn would hold what it has opened. RFC 9112, 9.6: after an
 * answer that says close, no further request of the connection is processed.
 */
export function inTurn(handler: Handler, open: OpenResponses) {
  /** Connections on which nothing more is taken. */
  const ending = new WeakSet<object>()
  return (incoming: IncomingMessage, response: ServerResponse): void => {
    const { socket } = incoming
    if (ending.has(socket)) return
    const earlier = open.of(socket)
    const last = earlier.at(-1)
    if (last && earlier.length >= MAX_WAITING) {
      // Not left unanswered behind the others: Node would keep all that the client goes on to send ahead in memory.
      ending.add(socket)
      reset(socket)
      return
    }
    open.add(response)
    response.once('close', () => {
      if (!response.shouldKeepAlive || socket.writableEnded) ending.add(socket)
    })
    const serve = (): void => void handler(incoming, response)
    if (!last) return serve()
    last.once('close', () => {
      // Nobody waits for it when the connection is gone. What is not served now never closes, and so nothing behind it is.
      if (last.shouldKeepAlive && !socket.writableEnded && !socket.destroyed) serve()
    })
  }
}
