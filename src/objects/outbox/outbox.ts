import { random16 } from '../../base/ids.ts'
import type { Entry, Write } from '../../storage/metadata/metadata-store.ts'
import { decode, encode } from '../record-codec.ts'
import { dropAbandoned } from './abandoned.ts'
import { type CourseFigures, openCourse } from './course.ts'
import { type Message, MessageRefused, type OutboxOptions } from './options.ts'
import { laneOf, readyRow, stamp } from './rows.ts'

/**
 * Messages on their way to targets. One is stored in the very commit that makes what it tells of, and removed when its
 * target has taken it: it is delivered at least once. Those about one object come in their order.
 */
export interface Outbox<Sent extends Message> {
  /** For the commit that makes it so; `wake` after it. `order`: 8 bytes in hex, greater than those of earlier ones. */
  readonly write: (message: Sent, order: string) => Write
  readonly wake: () => void
  /** Starts what earlier runs left. Before it nothing is delivered. */
  readonly start: () => void
  readonly figures: () => Promise<readonly OutboxFigures[]>
  readonly close: () => Promise<void>
}

/** Of one target. Tries are counted since the process began. */
export interface OutboxFigures extends CourseFigures {
  readonly target: string
  readonly taken: number
  /** Not this one; others may be. */
  readonly refused: number
  /** Perhaps none would be taken now. */
  readonly missed: number
}

/** What nobody has taken by then is dropped, and told of. */
const EXPIRES_MS = 7 * 86_400_000
const ABANDONED_MS = 3_600_000

export function openOutbox<Sent extends Message>(options: OutboxOptions<Sent>): Outbox<Sent> {
  const { metadata, clock, space, targets, words, subject, onError } = options
  const stop = new AbortController()
  let started = false
  // That of the system may be set meanwhile.
  const sinceMs = clock.now() - performance.now()
  const now = (): number => sinceMs + performance.now()

  const tries = new Map(targets.map((target) => [target, { taken: 0, refused: 0, missed: 0 }]))
  const count = (target: string, result: 'taken' | 'refused' | 'missed'): void => {
    const counts = tries.get(target)
    if (counts) counts[result]++
  }

  const deliver = async (message: Sent): Promise<void> => {
    try {
      await options.deliver(message, stop.signal)
      count(message.target, 'taken')
    } catch (error) {
      count(message.target, error instanceof MessageRefused ? 'refused' : 'missed')
      if (stop.signal.aborted || clock.now() - message.timeMs < EXPIRES_MS) throw error
      await options.onExpired?.(message)
      const what = `${words.message} for ${words.target} ${message.target}`
      onError(new Error(`${what} was dropped: nobody took it`, { cause: error }))
    }
  }
  const courses = targets.map((target) => ({
    ...{ target, course: openCourse({ ...options, target, deliver, now, stop: stop.signal }) },
  }))
  const wake = (): void => {
    if (!started) return
    for (const { course } of courses) course.wake()
  }

  // The clock may have been set back while nobody ran, and what orders messages of one time with it.
  let latestMs = options.latestMs + 1
  /** What is left of targets that are not set up any more goes when its time is over. */
  let tidying: Promise<void> = Promise.resolve()
  const tidy = (): void => {
    const onDropped = (target: string, count: number): void =>
      onError(
        new Error(`${count} ${words.messages} for ${words.target} ${target} were dropped: it is not set up any more`),
      )
    // What was stored was encoded below.
    const onDrop = async ({ value }: Entry) => options.onExpired?.(decode(value).json as unknown as Sent)
    const untilMs = clock.now() - EXPIRES_MS
    tidying = tidying.then(() => dropAbandoned({ metadata, space, targets, untilMs, onDrop, onDropped })).catch(onError)
  }
  const timer = setInterval(tidy, ABANDONED_MS)
  timer.unref()

  return {
    write: (message, order) => {
      // A clock that is set back does not turn two messages of one object round.
      latestMs = Math.max(latestMs, message.timeMs)
      const of = stamp(latestMs, Buffer.from(order, 'hex'), random16().subarray(8))
      return { type: 'put', space, key: readyRow(message.target, laneOf(subject(message)), of), value: encode(message) }
    },
    wake,
    figures: () =>
      Promise.all(
        courses.map(async ({ target, course }) => {
          const tried = tries.get(target) ?? { taken: 0, refused: 0, missed: 0 }
          return { target, ...tried, ...(await course.figures()) }
        }),
      ),
    start: () => {
      started = true
      tidy()
      wake()
    },
    close: async () => {
      stop.abort()
      clearInterval(timer)
      await tidying
      await Promise.all(courses.map(({ course }) => course.ended()))
    },
  }
}
