import { setTimeout as wait } from 'node:timers/promises'
import { openAgenda } from './agenda.ts'
import { type Lane, openLane } from './lane.ts'
import type { Message, OutboxOptions } from './options.ts'
import { openQueue, type WaitingMessages } from './queue.ts'
import { openSlots } from './slots.ts'

/** Looking for buckets takes no more than one part of so many. A process that stood still in the midst rests no longer than that. */
const REST = 10
const MAX_REST_MS = 2000
const MAX_WAIT_MS = 60_000
const RETRY_MS = 1000

interface CourseOptions<Sent extends Message>
  extends Pick<OutboxOptions<Sent>, 'metadata' | 'space' | 'subject' | 'onWait' | 'words' | 'onError'> {
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
  readonly figures: () => Promise<CourseFigures>
  /** After `stop`. */
  readonly ended: () => Promise<void>
}

export interface CourseFigures extends WaitingMessages {
  /** Buckets that have something for it. */
  readonly lanes: number
  readonly underWay: number
}

/** Rows that are counted: whatever there is more is not told. */
const COUNTED = 1000

export function openCourse<Sent extends Message>(options: CourseOptions<Sent>): Course {
  const { target, onWait, words, retryMs = RETRY_MS, now, stop, onError } = options
  const queue = openQueue(options, target)
  const agenda = openAgenda(now)
  let running: Promise<void> | undefined
  let isReady = false
  let news = false
  let lookAgainMs = 0
  let changed = Promise.withResolvers<void>()
  const onChange = (): void => changed.resolve()
  const slots = openSlots(onChange, agenda.flyingChanged)

  const laneNamed = (name: string): Lane => {
    const known = agenda.named(name)
    if (known) return known
    const onRefusal = (bucket: string, cause: unknown): void => {
      const what = `${words.target} ${target} does not take all that it is told`
      onError(new Error(`${what} (of ${bucket})`, { cause }))
    }
    const stirred = (): void => {
      agenda.changed(name)
      onChange()
    }
    const lane = openLane({ ...options, onWait, retryMs, name, queue, slots, onRefusal, onChange: stirred })
    agenda.add(name, lane)
    return lane
  }

  /** What earlier runs left. */
  const prepare = async (): Promise<void> => {
    await queue.adopt()
    for (const kind of ['due', 'refused'] as const) for await (const name of queue.lanesWith(kind)) laneNamed(name)
    isReady = true
  }
  const look = async (): Promise<void> => {
    news = false
    const startedMs = now()
    for await (const name of queue.lanesWith('ready')) {
      laneNamed(name).news()
      agenda.changed(name)
    }
    const endedMs = now()
    lookAgainMs = endedMs + Math.min((endedMs - startedMs) * REST, MAX_REST_MS)
  }
  const isRoom = (): boolean => !stop.aborted && slots.free() > 0
  const nextMs = (): number =>
    Math.min(news ? lookAgainMs : Number.POSITIVE_INFINITY, isRoom() ? agenda.nextMs() : Number.POSITIVE_INFINITY)

  /** Until nothing is left. */
  const run = async (): Promise<void> => {
    if (!isReady) await prepare()
    while (!stop.aborted) {
      changed = Promise.withResolvers()
      if (news && now() >= lookAgainMs) await look()
      agenda.turns(isRoom)
      if (agenda.isEmpty() && !news) return
      await changeOr(nextMs())
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
    figures: async () => ({ lanes: agenda.size(), underWay: slots.all(), ...(await queue.waiting(COUNTED)) }),
    ended: async () => {
      await running
      await Promise.all(Array.from(agenda.all(), (lane) => lane.ended()))
    },
  }
}
