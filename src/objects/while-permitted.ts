import type { Clock } from '../base/clock.ts'

/** How often a running transfer asks again whether the root key still allows it: well within the 5 s bound. */
const ASK_EVERY_MS = 1000

/**
 * Passes a body on while the root key allows it. `ask` throws when it no longer does; it allowed it at `askedAtMs`.
 * A clock that was set back tells nothing of the time since, so then it is asked too.
 */
export async function* whilePermitted(stream: AsyncIterable<Buffer>, permission: Permission): AsyncGenerator<Buffer> {
  const due = permissionWatch(permission)
  for await (const chunk of stream) {
    const asked = due()
    if (asked !== undefined) await asked
    yield chunk
  }
}

export interface Permission {
  readonly clock: Clock
  readonly ask: () => Promise<void>
  readonly askedAtMs: number
}

/** To be called with each chunk: the question whether it still is allowed, when it is time to ask. */
export function permissionWatch({ clock, ask, askedAtMs }: Permission): () => Promise<void> | undefined {
  let lastMs = askedAtMs
  return () => {
    const nowMs = clock.now()
    if (nowMs - lastMs < ASK_EVERY_MS && nowMs >= lastMs) return undefined
    lastMs = nowMs
    return ask()
  }
}

/** `revoked` aborts, with what `ask` threw, when the root key no longer allows what is going on. */
export interface PermitWatch extends Disposable {
  readonly revoked: AbortSignal
}

/** Asks though nobody pulls: a client that stalls keeps a transfer open for as long as it likes, with what is on its way to it. */
export function watchPermit(ask: () => Promise<void>): PermitWatch {
  const controller = new AbortController()
  const timer = setInterval(() => ask().catch((error: unknown) => controller.abort(error)), ASK_EVERY_MS).unref()
  return { revoked: controller.signal, [Symbol.dispose]: () => clearInterval(timer) }
}
