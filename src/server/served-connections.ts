import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { reset } from '../api/common/reset.ts'

/** The connections of a server, and what runs on them. */
export interface ServedConnections {
  /**
   * No new connections, connections on which no request has arrived are closed at once, the others after their request; what
   * still runs after `graceMs` is cut. Node alone would wait for connections that have not said anything yet, and after a
   * request for as long as its connection is kept alive.
   */
  readonly drain: (graceMs: number) => Promise<void>
  /** So many connections end with their next answer, so that their clients connect again. Those of an earlier call are forgotten. */
  readonly endAfterAnswer: (count: number) => void
  /** No new connections; those that are open end with their next answer, or when their clients have said nothing for long. */
  readonly leave: () => void
  readonly open: () => number
  /** On how many of them a request ran since the last call. */
  readonly takeActive: () => number
  /** How many have ended so that their clients connect again. */
  readonly ended: () => number
}

export function servedConnections(server: Server): ServedConnections {
  const running = new Map<Socket, Set<ServerResponse>>()
  const connected = new Map<string, Socket>()
  let active = new Set<Socket>()
  let draining = false
  let toEnd = 0
  let ended = 0

  server.prependListener('connection', (socket: Socket) => {
    const end = farEnd(socket)
    running.set(socket, new Set())
    connected.set(end, socket)
    socket.once('close', () => {
      running.delete(socket)
      active.delete(socket)
      if (connected.get(end) === socket) connected.delete(end)
    })
  })
  // With TLS a second socket speaks for it, once its handshake has ended.
  server.prependListener('secureConnection', (secured: Socket) => {
    const beneath = connected.get(farEnd(secured))
    if (beneath) running.delete(beneath)
    running.set(secured, new Set())
    secured.once('close', () => {
      running.delete(secured)
      active.delete(secured)
    })
  })
  /** Only where the client has sent all of the one request that waits: neither a body nor what it sent ahead is lost. */
  const mayEnd = ({ complete, socket }: IncomingMessage): boolean => complete && running.get(socket)?.size === 1
  /** What is known when the head is sent counts. */
  const endWithHead = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { writeHead } = response
    const ending = (...head: unknown[]): ServerResponse => {
      if (toEnd > 0 && response.shouldKeepAlive && mayEnd(incoming)) {
        toEnd--
        ended++
        response.shouldKeepAlive = false
      }
      return Reflect.apply(writeHead, response, head)
    }
    Object.assign(response, { writeHead: ending })
  }
  const track = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { socket } = incoming
    const ofSocket = running.get(socket)
    ofSocket?.add(response)
    active.add(socket)
    if (toEnd > 0) endWithHead(incoming, response)
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

  return {
    drain: async (graceMs) => {
      if (!server.listening && running.size === 0) return
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
    },
    endAfterAnswer: (count) => {
      toEnd = count
    },
    leave: () => {
      toEnd = Number.POSITIVE_INFINITY
      // Node's HTTP server would close those on which nothing runs at this moment, one with a request on its way among them.
      NetServer.prototype.close.call(server)
    },
    open: () => running.size,
    takeActive: () => {
      const { size } = active
      active = new Set([...running].flatMap(([socket, responses]) => (responses.size > 0 ? [socket] : [])))
      return size
    },
    ended: () => ended,
  }
}

/** Of the connections that are open to one listener no two have the same. */
const farEnd = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
