import { setImmediate as nextTurn } from 'node:timers/promises'

/** One submitted job. A flush settles each of its jobs; what it leaves unsettled when it throws is rejected with that error. */
export interface Waiting<Job, Result> {
  readonly job: Job
  readonly weight: number
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

export interface GroupQueue<Job, Result> {
  readonly submit: (job: Job, weight?: number) => Promise<Result>
  /** Resolves when nothing is queued or being flushed. */
  readonly idle: () => Promise<void>
}

export interface GroupQueueOptions<Job, Result> {
  readonly flush: (group: readonly Waiting<Job, Result>[]) => Promise<void>
  readonly maxJobs?: number
  /** A group ends before its weights exceed this; a single heavier job is a group of its own. */
  readonly maxWeight?: number
}

/**
 * Group commit: one flush at a time, in order of submission, each taking all that queued while the last one ran.
 * A flush starts one turn of the event loop after the first job, so that all requests that arrived together share it.
 */
export function groupQueue<Job, Result>(options: GroupQueueOptions<Job, Result>): GroupQueue<Job, Result> {
  const { flush, maxJobs = 1024, maxWeight = Number.POSITIVE_INFINITY } = options
  let waiting: Waiting<Job, Result>[] = []
  let running: Promise<void> | undefined

  const takeGroup = (): Waiting<Job, Result>[] => {
    let weight = 0
    let count = 0
    for (const entry of waiting) {
      weight += entry.weight
      if (count === maxJobs || (count > 0 && weight > maxWeight)) break
      count++
    }
    const group = waiting.slice(0, count)
    waiting = waiting.slice(count)
    return group
  }

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      await nextTurn()
      const group = takeGroup()
      try {
        await flush(group)
      } catch (error) {
        for (const entry of group) entry.reject(error)
      }
    }
    running = undefined
  }

  return {
    submit: (job, weight = 1) =>
      new Promise((resolve, reject) => {
        waiting.push({ job, weight, resolve, reject })
        running ??= drain()
      }),
    idle: async () => {
      while (running !== undefined) await running
    },
  }
}
