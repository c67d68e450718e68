import { blobStoreFailed } from './disk-health.ts'

export interface RunningWork {
  readonly run: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** Refuses new work, waits for what runs, then runs `last`. Once only, however often it is called. */
  readonly finish: (last: () => Promise<void>) => Promise<void>
}

export function runningWork(check: () => void): RunningWork {
  const running = new Set<Promise<unknown>>()
  let finishing: Promise<void> | undefined

  const finish = async (last: () => Promise<void>): Promise<void> => {
    await Promise.allSettled(running)
    await last()
  }

  return {
    run: async (work) => {
      if (finishing !== undefined) throw blobStoreFailed('the blob store is closed')
      check()
      const promise = work()
      running.add(promise)
      try {
        return await promise
      } finally {
        running.delete(promise)
      }
    },
    finish: (last) => {
      finishing ??= finish(last)
      return finishing
    },
  }
}
