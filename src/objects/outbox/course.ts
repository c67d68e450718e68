import { setTimeout as wait } from 'node:timers/promises'
import { decode } from '../record-codec.ts'
import { type Lane, openLane } from './lane.ts'
import type { Message, OutboxOptions } from './options.ts'
import { openQueue } from './queue.ts'

/** Buckets that are told of at once. Each has its turn before any has another. */
const BUCKETS_AT_A_TIME = 4
/** Looking for buckets takes no more than one part of so many. */
const REST = 10
const MAX_WAIT_MS = 60_000
const RETRY_MS = 1000

interface CourseOptions<Sent extends Message>
  extends Pick<OutboxOptions<Sent>, 'metadata' | 'space' | 'subject' | 'words' | 'onError'> {
  readonly target: string
  /** Rejects when it was not taken. */
  readonly deliver: (message: Sent) => Promise<void>
  readonly retryMs?: number | undefined
  readonly now: () => number
  readonly stop: AbortSignal
}

/** All that goes to one target. */
export interface Course {
  /** There may be something new. */
  readonly wake: () => void
  /** After `stop`. */
  readonly ended: () => Promise<void>
}

export function openCourse<Sent extends Message>(options: CourseOptions<Sent>): Course {
  const { target, subject, words, retryMs = RETRY_MS, now, stop, onError } = options
  const queue = openQueue(options, target)
  const lanes = new Map<string, Lane>()
  const turns = new Set<Promise<void>>()
  const slow = { count: 0 }
  let running: Promise<void> | undefined
  let isReady = false
  let news = false
  let lookAgainMs = 0
  let changed = Promise.withResolvers<void>()
  const onChange = (): void => changed.resolve()

  const laneNamed = (name: string): Lane => {
    const known = lanes.get(name)
    if (known) return known
    const onRefusal = (bucket: string, cause: unknown): void => {
      const what = `${words.target} ${target} does not take all that it is told`
      onError(new Error(`${what} (of ${bucket})`, { cause }))
    }
    const lane = openLane({ ...options, retryMs, name, queue, slow, onRefusal, onChange })
    lanes.set(name, lane)
    return lane
  }

  /** What earlier runs left. */
  const prepare = async (): Promise<void> => {
    // What was stored was encoded by the outbox.
    await queue.adopt((value) => subject(decode(value).json as unknown as Sent))
    for await (const name of queue.lanesWith('due')) laneNamed(name)
    isReady = true
  }
  const look = async (): Promise<void> => {
    news = false
    const startedMs = now()
    for await (const name of queue.lanesWith('ready')) laneNamed(name).news()
    const endedMs = now()
    lookAgainMs = endedMs + (endedMs - startedMs) * REST
  }
  const turn = async (lane: Lane): Promise<void> => {
    while (turns.size >= BUCKETS_AT_A_TIME) await Promise.race(turns)
    const work: Promise<void> = lane.turn().finally(() => {
      turns.delete(work)
      onChange()
    })
    turns.add(work)
  }

  /** Until nothing is left. */
  const run = async (): Promise<void> => {
    if (!isReady) await prepare()
    while (!stop.aborted) {
      changed = Promise.withResolvers()
      if (news && now() >= lookAgainMs) await look()
      for (const lane of lanes.values()) if (!stop.aborted && lane.nextMs() <= now()) await turn(lane)
      for (const [name, lane] of lanes) if (lane.isIdle()) lanes.delete(name)
      if (lanes.size === 0 && !news) return
      await changeOr(Math.min(news ? lookAgainMs : Number.POSITIVE_INFINITY, ...[...lanes.values()].map(nextMsOf)))
    }
  }
  const changeOr = async (ms: number): Promise<void> => {
    const waitMs = Math.min(Math.max(ms - now(), 0), MAX_WAIT_MS)
    const timer = new AbortController()
    const signal = AbortSignal.any([stop, timer.signal])
    const over = wait(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
    await Promise.race([over, changed.promise])
    timer.abort()
  }

  const wake = (): void => {
    if (stop.aborted) return
    news = true
    if (running !== undefined) {
      onChange()
      return
    }
    running = run()
      .catch(async (error: unknown) => {
        if (stop.aborted) return
        onError(error)
        news = true
        await wait(retryMs, undefined, { signal: stop, ref: false }).catch(() => undefined)
      })
      .finally(() => {
        running = undefined
        if (news) wake()
      })
  }

  return {
    wake,
    ended: async () => {
      await running
      await Promise.all(turns)
      await Promise.all([...lanes.values()].map((lane) => lane.ended()))
    },
  }
}

const nextMsOf = (lane: Lane): number => lane.nextMs()
