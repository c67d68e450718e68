import type { Duplex } from 'node:stream'

/** Ends a connection in a way that no client takes for the end of an answer: a plain close could pass for that. */
export function reset(socket: Duplex & { readonly resetAndDestroy?: () => unknown }): void {
  if (socket.resetAndDestroy) socket.resetAndDestroy()
  else socket.destroy()
}
