/** So many at a time, in the order in which they came. */
export interface Turns {
  readonly take: (signal: AbortSignal) => Promise<() => void>
}

export function createTurns(most: number): Turns {
  let free = most
  const waiting: (() => void)[] = []
  const giveBack = (): void => {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
  const once = (): (() => void) => {
    let isBack = false
    return () => {
      if (isBack) return
      isBack = true
      giveBack()
    }
  }
  return {
    take: (signal) => {
      if (signal.aborted) return Promise.reject(signal.reason)
      if (free > 0) {
        free--
        return Promise.resolve(once())
      }
      const { promise, resolve, reject } = Promise.withResolvers<() => void>()
      const come = (): void => {
        signal.removeEventListener('abort', leave)
        resolve(once())
      }
      const leave = (): void => {
        waiting.splice(waiting.indexOf(come), 1)
        reject(signal.reason)
      }
      waiting.push(come)
      signal.addEventListener('abort', leave, { once: true })
      return promise
    },
  }
}
