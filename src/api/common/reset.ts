import type { Duplex } from 'node:stream'

/** Ends a connection in a way that no client takes for the end of an answer: a plain close could pass for that. */
export function reset(
  socket: Duplex & { readonly encrypted?: boolean; readonly resetAndDestroy?: () => unknown },
): void {
  // RFC 8446, 6.1: without close_notify, which Node sends only with `end`, a close is known to be a truncation.
  if (socket.encrypted || !socket.resetAndDestroy) socket.destroy()
  else socket.resetAndDestroy()
}
