import type { Server, ServerResponse } from 'node:http'
import type { OpenResponses } from './open-responses.ts'
import { reset } from './reset.ts'

/**
 * No byte either way for `timeoutMs`, and it is the client that is waited for: the connection is cut. The work between the
 * last byte of a request and the first one of its answer may take as long as it needs. `open` knows every answer owed.
 */
export function cutIdle(server: Server, open: OpenResponses, timeoutMs: number): void {
  server.timeout = timeoutMs
  server.on('timeout', (socket) => {
    const [current] = open.of(socket)
    // The timer has run out and starts again only with the next byte.
    if (current && waitsForUs(current)) socket.setTimeout(timeoutMs)
    else if (current?.headersSent) reset(socket)
    else socket.destroy()
  })
}

/** The client has sent all that we want to read for now, and gets to read nothing yet. */
function waitsForUs({ headersSent, req }: ServerResponse): boolean {
  return !headersSent && (req.complete || req.readableFlowing !== true)
}
