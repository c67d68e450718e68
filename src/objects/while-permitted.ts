import type { Clock } from '../base/clock.ts'

/** How often a running transfer asks again whether the root key still allows it: well within the 5 s bound. */
const ASK_EVERY_MS = 1000

/**
 * Passes a body on while the root key allows it. `ask` throws when it no longer does; it allowed it at `askedAtMs`.
 * A clock that was set back tells nothing of the time since, so then it is asked too.
 */
export function whilePermitted(stream: AsyncIterable<Buffer>, permission: Permission): AsyncIterableIterator<Buffer> {
  const due = permissionWatch(permission)
  let source: AsyncIterator<Buffer> | undefined
  const allowed = (step: IteratorResult<Buffer>): IteratorResult<Buffer> | Promise<IteratorResult<Buffer>> => {
    const asked = step.done ? undefined : due()
    return asked === undefined ? step : asked.then(() => step, leave)
  }
  const leave = async (error: unknown): Promise<never> => {
    // What went wrong first is told.
    await source?.return?.().catch(() => {})
    throw error
  }
  const permitted: AsyncIterableIterator<Buffer> = {
    next: () => {
      // Not before somebody wants it: the body of a request is asked for by that.
      source ??= stream[Symbol.asyncIterator]()
      return source.next().then(allowed)
    },
    return: async () => (await source?.return?.()) ?? { done: true, value: undefined },
    [Symbol.asyncIterator]: () => permitted,
  }
  return permitted
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
