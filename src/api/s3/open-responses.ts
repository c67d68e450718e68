import type { ServerResponse } from 'node:http'

/** The answers that a server still owes, of every connection. */
export interface OpenResponses {
  readonly add: (response: ServerResponse) => void
  /** In the order in which they will be sent: the first one is being sent, or is what the client waits for. */
  readonly of: (connection: object) => readonly ServerResponse[]
}

export function openResponses(): OpenResponses {
  const byConnection = new WeakMap<object, Set<ServerResponse>>()
  return {
    add: (response) => {
      const { socket } = response.req
      const open = byConnection.get(socket) ?? new Set()
      byConnection.set(socket, open.add(response))
      response.once('close', () => open.delete(response))
    },
    of: (connection) => [...(byConnection.get(connection) ?? [])],
  }
}
