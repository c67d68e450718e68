import type { S3Handler } from '../../api/s3/handler.ts'
import { createS3Server, MAX_HEADER_BYTES } from '../../api/s3/listener.ts'
import type { HandedOver } from './messages.ts'
import { SecureTunnel, Tunnel } from './tunnel.ts'

/** What the thread that hands on says of the connection comes on top of what the client was allowed. */
const MORE_HEADER_BYTES = 4 * 1024

/**
 * Serves requests that following threads hand on, as if their clients had connected here. By a server of its own, on which nobody else
 * can connect: the clients' connections are counted, limited and ended where they are open.
 */
export function serveHandedOver(handler: S3Handler): (over: HandedOver) => void {
  const server = createS3Server(handler, { maxHeaderBytes: MAX_HEADER_BYTES + MORE_HEADER_BYTES })
  return ({ port, secure, ...from }) => {
    const tunnel = secure ? new SecureTunnel(port, from) : new Tunnel(port, from)
    tunnel.on('error', () => {})
    server.emit('connection', tunnel)
  }
}
