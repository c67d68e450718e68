import type { IncomingMessage } from 'node:http'

/** Such a body would be taken in to its end to save the connection: not worth it, and it may never end. */
export function hasUnreadBody(incoming: IncomingMessage): boolean {
  const announced =
    incoming.headers['transfer-encoding'] !== undefined || Number(incoming.headers['content-length'] ?? 0) > 0
  return announced && !incoming.complete
}
