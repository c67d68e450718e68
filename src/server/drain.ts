import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { reset } from '../api/common/reset.ts'

/**
 * Watches a server's requests and gives the way to end it: no new connections, connections on which no request has arrived
 * are closed at once, the others after their request; what still runs after `graceMs` is cut. Node alone would wait for connections
 * that have not said anything yet, and after a request for as long as its connection is kept alive.
 */
export function drainable(server: Server): (graceMs: number) => Promise<void> {
  const running = new Map<Socket, Set<ServerResponse>>()
  const connected = new Map<string, Socket>()
  let draining = false

  server.prependListener('connection', (socket: Socket) => {
    const end = farEnd(socket)
    running.set(socket, new Set())
    connected.set(end, socket)
    socket.once('close', () => {
      running.delete(socket)
      if (connected.get(end) === socket) connected.delete(end)
    })
  })
  // With TLS a second socket speaks for it, once its handshake has ended.
  server.prependListener('secureConnection', (secured: Socket) => {
    const beneath = connected.get(farEnd(secured))
    if (beneath) running.delete(beneath)
    running.set(secured, new Set())
    secured.once('close', () => running.delete(secured))
  })
  const track = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { socket } = incoming
    const ofSocket = running.get(socket)
    ofSocket?.add(response)
    // Behind another one it is not served any more: that one's answer says close.
    if (draining && ofSocket?.size === 1) response.shouldKeepAlive = false
    response.once('close', () => {
      ofSocket?.delete(response)
      if (!draining || ofSocket?.size !== 0) return
      // A client that is still sending would lose the answer if the connection were reset.
      if (incoming.complete) socket.destroySoon()
      else socket.end()
    })
  }
  for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) {
    // A listener where there was none would change what Node does by itself.
    if (server.listenerCount(event) > 0) server.prependListener(event, track)
  }

  return async (graceMs) => {
    if (!server.listening) return
    draining = true
    const closed = once(server, 'close')
    server.close()
    // What the kernel has is read first: a request that arrived before the signal is not dropped with its connection.
    await turn()
    await turn()
    for (const [socket, responses] of running) {
      const last = [...responses].at(-1)
      if (last) last.shouldKeepAlive = false
      else socket.destroySoon()
    }
    const cut = setTimeout(() => {
      for (const socket of running.keys()) reset(socket)
    }, graceMs)
    await closed
    clearTimeout(cut)
  }
}

/** Of the connections that are open to one listener no two have the same. */
const farEnd = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
