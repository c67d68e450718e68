/** Of one store: how many of its writers are having something made durable ahead of their ends. */
export interface EarlySyncs {
  running: number
}

/** Two keep a disk busy, and leave the other threads of the process to those who wait. */
const AT_ONCE = 2
const EACH_BYTES = 8 * 1024 * 1024

/**
 * Makes what was written of a long file durable while more of it comes. At its end there is less left to wait for: the
 * disk and whatever makes the bytes take their time together, and not one after the other.
 */
export interface EarlySync {
  readonly wrote: (lengthBytes: number) => void
  /** Resolves when none is running. Throws what one of them threw: its pages are lost, and a later sync would not tell. */
  readonly settled: () => Promise<void>
}

export function earlySync(sync: () => Promise<void>, all: EarlySyncs): EarlySync {
  let unsyncedBytes = 0
  let current: Promise<void> | undefined
  let failure: { readonly error: unknown } | undefined

  const begin = async (): Promise<void> => {
    all.running++
    unsyncedBytes = 0
    try {
      await sync()
    } catch (error) {
      failure = { error }
    } finally {
      all.running--
      current = undefined
    }
  }
  return {
    wrote: (lengthBytes) => {
      unsyncedBytes += lengthBytes
      if (unsyncedBytes >= EACH_BYTES && !current && !failure && all.running < AT_ONCE) current = begin()
    },
    settled: async () => {
      await current
      if (failure) throw failure.error
    },
  }
}
