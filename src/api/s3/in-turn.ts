import type { IncomingMessage, ServerResponse } from 'node:http'
import type { OpenResponses } from './open-responses.ts'

/** More on one connection than any client of S3 sends ahead, and few enough to wait in memory. */
const MAX_WAITING = 16

type Handler = (incoming: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * One request of a connection at a time. RFC 9112, 9.3.2: requests that were sent ahead may be processed in parallel only
 * if all have safe methods; and each answer that waits for its turn would hold what it has opened.
 */
export function inTurn(handler: Handler, open: OpenResponses) {
  return (incoming: IncomingMessage, response: ServerResponse): void => {
    const earlier = open.of(incoming.socket)
    const last = earlier.at(-1)
    if (last && earlier.length >= MAX_WAITING) {
      // Not answered, and the client learns it: the connection ends with the last answer that it gets.
      last.shouldKeepAlive = false
      incoming.socket.pause()
      return
    }
    open.add(response)
    if (!last) {
      void handler(incoming, response)
      return
    }
    last.once('close', () => {
      // Nobody waits for it any more, and nothing of it has begun.
      if (!incoming.socket.destroyed) void handler(incoming, response)
    })
  }
}
