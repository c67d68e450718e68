/** Which of the running reads may hold more than a segment in memory. The others go one segment at a time. */
export interface ReadAhead {
  /** Undefined when all are taken. Dispose it to give it back. */
  readonly take: () => Disposable | undefined
  readonly taken: () => number
}

export function readAhead(limit: number): ReadAhead {
  let taken = 0
  return {
    taken: () => taken,
    take: () => {
      if (taken >= limit) return undefined
      taken++
      let held = true
      return {
        [Symbol.dispose]: () => {
          if (held) taken--
          held = false
        },
      }
    },
  }
}
