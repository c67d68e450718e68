import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import { random16 } from '../../base/ids.ts'
import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import { garbageKey, rowsUnder } from '../keyspace.ts'
import { decode, encode } from '../record-codec.ts'
import { dropAbandoned, prefixOf } from './abandoned.ts'
import { type HeldBack, heldBack, keyLane, type Lane, type Subject } from './held-back.ts'

export interface Message {
  /** Where it goes. */
  readonly target: string
  readonly timeMs: number
}

export interface OutboxOptions<Sent extends Message> {
  readonly metadata: MetadataStore
  readonly clock: Clock
  /** Of the rows. */
  readonly space: number
  readonly targets: readonly string[]
  readonly subject: (message: Sent) => Subject
  /** Rejects when the target did not take it: it is told again. `signal`: nobody waits for it any more. */
  readonly deliver: (message: Sent, signal: AbortSignal) => Promise<void>
  /** A message that nobody took for a week, before it is dropped. */
  readonly onExpired?: (message: Sent) => Promise<void>
  /** For what goes wrong: `the notification target`, `an event`, `events`. */
  readonly words: { readonly target: string; readonly message: string; readonly messages: string }
  /** Of the first repetition of a message; each further one waits twice as long, up to five minutes. */
  readonly retryMs?: number | undefined
  readonly onError: (error: unknown) => void
}

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
  readonly close: () => Promise<void>
}

const PAGE = 100
const AT_A_TIME = 8
const RETRY_MS = 1000
const MAX_RETRY_MS = 300_000
/** So many messages refused in a row, none of which was refused before: the target is not there. */
const DOWN_AFTER = 64
/** It is asked again so often. */
const MAX_PAUSE_MS = 30_000
/** A message is stored so long after its time at the most; a later one is found with what is tried again. */
const LATE_MS = 60_000
/** Reading all that is held back takes no more than one part of so many. */
const REST = 10
/** One that takes longer keeps only what is about the same object waiting. */
const SLOW_MS = 2000
const NOTHING = Buffer.alloc(16)
/** What nobody has taken by then is dropped, and told of. */
const EXPIRES_MS = 7 * 86_400_000
const ABANDONED_MS = 3_600_000

interface Queued<Sent> {
  readonly key: Buffer
  readonly message: Sent
  readonly subject: Subject
  readonly lane: Lane
  /** It was not refused before. */
  readonly fresh: boolean
}

interface Round {
  /** Something is still there. */
  left: boolean
  refusal: unknown
  inARow: number
  /** The target is not asked for more. */
  stopped: boolean
}

/** What is known of a target while something is on its way to it. */
interface Course {
  readonly held: HeldBack
  /** By what they are about: deliveries that take long. */
  readonly slow: Map<Lane, Promise<void>>
  /** About what something waits for one of them: what comes later waits, too, until all is looked through again. */
  readonly behind: Set<Lane>
  /** One of them has ended: what waited for it can go. */
  ended: boolean
}

export function openOutbox<Sent extends Message>(options: OutboxOptions<Sent>): Outbox<Sent> {
  const { metadata, clock, space, targets, words, retryMs = RETRY_MS, onError } = options
  const stop = new AbortController()
  const running = new Map<string, Promise<void>>()
  /** Told of something new while they are told of the rest. */
  const again = new Set<string>()
  const news = new Map<string, () => void>()
  let started = false

  /** Until nothing is left of the target. */
  const drain = async (target: string): Promise<void> => {
    const course: Course = { held: heldBack(retryMs, MAX_RETRY_MS), slow: new Map(), behind: new Set(), ended: false }
    const all = rowsUnder(prefixOf(target))
    let pauses = 0
    let gte = all.gte
    while (!stop.signal.aborted) {
      again.delete(target)
      course.ended = false
      const startedMs = performance.now()
      const fromHead = gte === all.gte
      const { refusal, left, stopped } = await deliverAll(target, course, { ...all, gte }, fromHead, pauses > 0)
      if (refusal !== undefined && !stop.signal.aborted) {
        onError(new Error(`${words.target} ${target} does not take all that it is told`, { cause: refusal }))
      }
      if (!left) break
      pauses = stopped ? pauses + 1 : 0
      const pauseMs = pauses === 0 ? 0 : Math.min(retryMs * 2 ** (pauses - 1), MAX_PAUSE_MS)
      const now = performance.now()
      const dueMs = course.held.nextDueMs() ?? (course.slow.size > 0 ? now + MAX_PAUSE_MS : now)
      const nextMs = Math.max(dueMs - now, (now - startedMs) * REST, 1)
      const isNews = await newsOr(target, course, pauses > 0 ? pauseMs : nextMs, pauses === 0)
      // What is held back and not due is passed over, and lies before what is new, but for commits that took their time.
      gte = isNews
        ? Buffer.concat([prefixOf(target), garbageKey(Math.max(clock.now() - LATE_MS, 0), NOTHING)])
        : all.gte
    }
    await Promise.all(course.slow.values())
  }

  /** True when there are new messages for the target, and nothing else, before so many milliseconds are over. */
  const newsOr = async (target: string, course: Course, waitMs: number, interested: boolean): Promise<boolean> => {
    if (course.ended) return false
    if (interested && again.has(target)) return true
    const woken = new AbortController()
    if (interested) news.set(target, () => woken.abort())
    const signal = AbortSignal.any([stop.signal, woken.signal])
    await wait(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
    news.delete(target)
    return woken.signal.aborted && !course.ended
  }

  /**
   * Tells the target of one message after another, several at a time, those of one lane in their order. `fromHead`: what is
   * held back is tried again if it is due. `down`: the target took nothing of late, so it is not asked for more than a few.
   */
  const deliverAll = async (
    target: string,
    course: Course,
    { gte, lt }: ReturnType<typeof rowsUnder>,
    fromHead: boolean,
    down: boolean,
  ): Promise<Readonly<Round>> => {
    const { held, slow, behind } = course
    if (fromHead) behind.clear()
    const round: Round = { left: !fromHead, refusal: undefined, inARow: down ? DOWN_AFTER : 0, stopped: false }
    // What is refused now is not tried again, and nothing that comes after it told, before the next round.
    const startedMs = performance.now()
    let group = new Map<Lane, Queued<Sent>>()
    let from = gte
    for (;;) {
      const rows: (Entry | DamagedRow)[] = await rangeWithDamaged(metadata, space, { gte: from, lt, limit: PAGE })
      for (const row of rows) {
        if (stop.signal.aborted) return round
        if ('damage' in row) {
          await dropDamaged(row)
          continue
        }
        // What was stored was encoded below.
        const message = decode(row.value).json as unknown as Sent
        const subject = options.subject(message)
        if (group.has(held.lane(subject)) || group.size + slow.size >= AT_A_TIME) {
          await deliverGroup(target, course, round, [...group.values()])
          group = new Map()
          if (round.stopped) return round
          if (slow.size >= AT_A_TIME) await Promise.race(slow.values())
        }
        const lane = held.lane(subject)
        if (slow.has(keyLane(subject))) behind.add(keyLane(subject))
        const dueMs = behind.has(keyLane(subject)) ? Number.POSITIVE_INFINITY : held.dueMs(lane)
        if (dueMs === undefined || (fromHead && dueMs <= startedMs)) {
          group.set(lane, { key: row.key, lane, message, subject, fresh: dueMs === undefined })
        } else {
          round.left = true
        }
      }
      const last = rows.at(-1)
      if (rows.length < PAGE || !last) break
      from = Buffer.concat([last.key, Buffer.from([0])])
    }
    await deliverGroup(target, course, round, [...group.values()])
    return round
  }

  const deliverGroup = async (
    target: string,
    course: Course,
    round: Round,
    group: readonly Queued<Sent>[],
  ): Promise<void> => {
    if (group.length === 0) return
    const { held, slow } = course
    const works = group.map(({ message }) => deliverOne(message))
    const outcomes = works.map(() => undefined as Outcome | undefined)
    const all = works.map(async (work, index) => {
      outcomes[index] = await outcomeOf(work)
    })
    const timer = new AbortController()
    const enough = wait(SLOW_MS, undefined, { signal: timer.signal, ref: false }).catch(() => undefined)
    await Promise.race([Promise.all(all), enough])
    timer.abort()
    const taken: Queued<Sent>[] = []
    for (const [index, one] of group.entries()) {
      const outcome = outcomes[index]
      const work = works[index]
      if (outcome === undefined && work !== undefined) {
        const lane = keyLane(one.subject)
        slow.set(lane, endOf(target, course, one, work).catch(onError))
        round.left = true
      } else if (outcome === 'taken') {
        taken.push(one)
        held.taken(one.subject, one.lane)
        round.inARow = 0
      } else {
        held.refused(one.subject, performance.now())
        round.refusal ??= outcome?.refusal
        round.left = true
        // What was refused before says nothing new.
        if (one.fresh) round.inARow++
      }
    }
    round.stopped = round.inARow > DOWN_AFTER
    await remove(taken)
  }

  /** Of a delivery that takes long. */
  const endOf = async (target: string, course: Course, one: Queued<Sent>, work: Promise<void>): Promise<void> => {
    const { held, slow } = course
    try {
      const outcome = await outcomeOf(work)
      if (outcome === 'taken') {
        await remove([one])
        held.taken(one.subject, one.lane)
        return
      }
      held.refused(one.subject, performance.now())
      if (stop.signal.aborted) return
      onError(new Error(`${words.target} ${target} does not take all that it is told`, { cause: outcome.refusal }))
    } finally {
      slow.delete(keyLane(one.subject))
      course.ended = true
      news.get(target)?.()
    }
  }

  const remove = async (taken: readonly Queued<Sent>[]): Promise<void> => {
    if (taken.length === 0) return
    await metadata.commit(taken.map(({ key }): Write => ({ type: 'delete', space, key })))
  }

  /** Nobody can be told what it says. */
  const dropDamaged = async ({ key, damage }: DamagedRow): Promise<void> => {
    await metadata.commit([{ type: 'delete', space, key }])
    onError(new Error(`${words.message} for ${words.target} was dropped: it cannot be read`, { cause: damage }))
  }

  const deliverOne = async (message: Sent): Promise<void> => {
    try {
      await options.deliver(message, stop.signal)
    } catch (error) {
      if (stop.signal.aborted || clock.now() - message.timeMs < EXPIRES_MS) throw error
      await options.onExpired?.(message)
      const what = `${words.message} for ${words.target} ${message.target}`
      onError(new Error(`${what} was dropped: nobody took it`, { cause: error }))
    }
  }

  const pump = (target: string): void => {
    if (!started || stop.signal.aborted) return
    if (running.has(target)) {
      again.add(target)
      news.get(target)?.()
      return
    }
    const work = drain(target)
      .catch(onError)
      .finally(() => {
        running.delete(target)
        if (again.delete(target)) pump(target)
      })
    running.set(target, work)
  }
  const wake = (): void => {
    for (const target of targets) pump(target)
  }
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
      // Of two messages of one millisecond the later one comes later.
      const random = Buffer.concat([Buffer.from(order, 'hex'), random16().subarray(8)])
      const key = Buffer.concat([prefixOf(message.target), garbageKey(message.timeMs, random)])
      return { type: 'put', space, key, value: encode(message) }
    },
    wake,
    start: () => {
      started = true
      tidy()
      wake()
    },
    close: async () => {
      stop.abort()
      clearInterval(timer)
      await tidying
      await Promise.all(running.values())
    },
  }
}

type Outcome = 'taken' | { readonly refusal: unknown }

const outcomeOf = (work: Promise<void>): Promise<Outcome> =>
  work.then(
    () => 'taken' as const,
    (error: unknown) => ({ refusal: error ?? new Error('not taken') }),
  )
