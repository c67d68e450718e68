import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { byLabel, type Metric } from '../../observe/metrics.ts'

/**
 * Connections of a server and what goes over them, counted by the sockets themselves: no request pays for it. `ended`: those that
 * were ended so that their clients connect again.
 */
export function connectionMetrics(
  servers: Readonly<Record<string, Server>>,
  ended: () => number = () => 0,
): () => readonly Metric[] {
  const watched = Object.entries(servers).map(([listener, server]) => ({ listener, ...watch(server) }))
  const all = (pick: (one: (typeof watched)[number]) => number): Record<string, number> =>
    Object.fromEntries(watched.map((one) => [one.listener, pick(one)]))
  return () => [
    {
      ...{ name: 'coffer_connections', help: 'Open connections.', type: 'gauge' },
      samples: byLabel(
        'listener',
        all(({ open }) => open.size),
      ),
    },
    {
      ...{ name: 'coffer_connections_total', help: 'Connections since the start.', type: 'counter' },
      samples: byLabel(
        'listener',
        all(({ totals }) => totals.connections),
      ),
    },
    {
      ...{ name: 'coffer_s3_connections_moved_total', type: 'counter' },
      help: 'Connections that were told to end, so that their clients connect again and may reach another thread.',
      samples: [{ labels: {}, value: ended() }],
    },
    {
      ...{ name: 'coffer_received_bytes_total', help: 'Bytes that came in, heads and all.', type: 'counter' },
      samples: byLabel(
        'listener',
        all(({ totals, open }) => totals.received + sum(open, ({ bytesRead }) => bytesRead)),
      ),
    },
    {
      ...{ name: 'coffer_sent_bytes_total', help: 'Bytes that went out, heads and all.', type: 'counter' },
      samples: byLabel(
        'listener',
        all(({ totals, open }) => totals.sent + sum(open, ({ bytesWritten }) => bytesWritten)),
      ),
    },
  ]
}

function watch(server: Server) {
  const open = new Set<Socket>()
  const totals = { connections: 0, received: 0, sent: 0 }
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    totals.connections++
    socket.once('close', () => {
      open.delete(socket)
      totals.received += socket.bytesRead
      totals.sent += socket.bytesWritten
    })
  })
  return { open, totals }
}

const sum = (sockets: Iterable<Socket>, of: (socket: Socket) => number): number => {
  let total = 0
  for (const socket of sockets) total += of(socket)
  return total
}
