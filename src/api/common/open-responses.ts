import type { ServerResponse } from 'node:http'

/** The answers that a server still owes, of every connection. */
export interface OpenResponses {
  readonly add: (response: ServerResponse) => void
  /** As they are now, in the order in which they will be sent: the first one is being sent, or is what the client waits for. */
  readonly of: (connection: object) => readonly ServerResponse[]
}

export function openResponses(): OpenResponses {
  const byConnection = new WeakMap<object, ServerResponse[]>()
  return {
    add: (response) => {
      const { socket } = response.req
      const open = byConnection.get(socket) ?? []
      open.push(response)
      byConnection.set(socket, open)
      response.once('close', () => void open.splice(open.indexOf(response), 1))
    },
    of: (connection) => byConnection.get(connection) ?? [],
  }
}
