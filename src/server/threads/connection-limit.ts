import type { Server } from 'node:net'
import type { SharedFlags } from './shared-memory.ts'

/**
 * The limit of connections holds for the sum of all threads: as long as it is reached, each refuses. Two that accept at the
 * same moment may go beyond it by one.
 */
export function shareConnectionLimit(server: Server, limit: number, connections: SharedFlags['connections']): void {
  Object.defineProperty(server, 'maxConnections', {
    configurable: true,
    get: () => (connections.count() >= limit ? 0 : undefined),
  })
  server.prependListener('connection', (socket) => {
    connections.add(1)
    socket.once('close', () => connections.add(-1))
  })
}
