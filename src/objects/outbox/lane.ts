import { setTimeout as wait } from 'node:timers/promises'
import { createSerial } from '../../base/serial.ts'
import type { Entry, Write } from '../../storage/metadata/metadata-store.ts'
import { decode } from '../record-codec.ts'
import { type Message, MessageRefused, type Subject } from './options.ts'
import type { Due, Queue } from './queue.ts'
import { holdOf, ownHold } from './rows.ts'

/** Deliveries of one bucket. */
const AT_A_TIME = 8
/** Of them, those that are tried again: what is new has room beside them. */
const AGAIN_AT_A_TIME = 4
/** Of all buckets together: more than that take long, so only buckets that have none of these get one more. */
const MAX_SLOW = 64
/** One that takes longer keeps only what is about the same object waiting; a turn ends by then, too. */
const SLOW_MS = 2000
/** Messages that are looked at in one turn. */
const PAGE = 64
const MAX_RETRY_MS = 300_000
/** So many of a bucket that were not taken in a row, none of which was tried before and none refused: the target is away. */
const AWAY_AFTER = 64
/** It is asked again so often. */
const MAX_PAUSE_MS = 30_000
/** Where nothing is taken, trying again takes no more than one part of so many. */
const REST = 10
/** What goes wrong is told of a bucket once in so many waits before a first repetition. */
const QUIET = 5

export interface LaneOptions<Sent extends Message> {
  readonly name: string
  readonly queue: Queue
  readonly subject: (message: Sent) => Subject
  /** Rejects when it was not taken. */
  readonly deliver: (message: Sent) => Promise<void>
  readonly retryMs: number
  /** Of a clock that never goes back. */
  readonly now: () => number
  readonly stop: AbortSignal
  /** Deliveries that take long, of all buckets. */
  readonly slow: { count: number }
  /** Something of the bucket was not taken. */
  readonly onRefusal: (bucket: string, refusal: unknown) => void
  readonly onError: (error: unknown) => void
  /** `nextMs` may be another one now. */
  readonly onChange: () => void
}

/** The messages of one bucket for one target, which keep none of another bucket waiting. */
export interface Lane {
  /** There may be new ones. */
  readonly news: () => void
  /** When there is something to do; infinite: nothing, as far as is known. */
  readonly nextMs: () => number
  /** Nothing that would be lost with it. */
  readonly isIdle: () => boolean
  /** Tells the target of some. One at a time. */
  readonly turn: () => Promise<void>
  /** Resolves when nothing is on its way any more. */
  readonly ended: () => Promise<void>
}

/** A message on its way. */
interface Flight {
  readonly work: Promise<void>
  readonly value: Buffer
  readonly hold: Buffer
  /** Where it is held once it was not taken. */
  readonly holdAfter: Buffer
  /** It was not tried before. */
  readonly isFresh: boolean
  /** Where it lies: that changes when something of the same object comes to wait for it. */
  row: Buffer
  /** Undefined: it is not held. */
  due: Due | undefined
}

type Outcome = { readonly flight: Flight; readonly refusal?: unknown }

export function openLane<Sent extends Message>(options: LaneOptions<Sent>): Lane {
  const { name, queue, subject, deliver, retryMs, now, stop, slow, onRefusal, onError, onChange } = options
  const serial = createSerial()
  /** Whether something waits for something is decided, and written, one at a time. */
  const locked = <T>(work: () => Promise<T>): Promise<T> => serial.run('rows', work)
  /** By what waits for them. */
  const flights = new Map<string, Flight>()
  const slowOnes = new Set<Promise<void>>()
  let busy = false
  let mayHaveReady = false
  let mayHaveHeld = true
  let heldNextMs = 0
  let restUntilMs = 0
  let inARow = 0
  let pauses = 0
  let pausedUntilMs = 0
  let quietUntilMs = 0

  const room = (): number => {
    if (slow.count >= MAX_SLOW && slowOnes.size > 0) return 0
    const few = slow.count >= MAX_SLOW || inARow > AWAY_AFTER
    return Math.min(AT_A_TIME - slowOnes.size, few ? 1 : AT_A_TIME)
  }

  const roomToRetry = (): number => Math.min(room(), AGAIN_AT_A_TIME - slowOnes.size)

  const launch = (of: Omit<Flight, 'work' | 'hold' | 'holdAfter'>): Flight => {
    const { message, about } = read(of.value)
    const hold = of.due?.hold ?? holdOf(about)
    const holdAfter = about.mayComeLate ? ownHold(about.id) : hold
    const flight = { ...of, hold, holdAfter, work: deliver(message) }
    // Whoever waits for it hears of it.
    flight.work.catch(() => undefined)
    flights.set(nameOf(hold), flight)
    return flight
  }
  const read = (value: Buffer) => {
    // What was stored was encoded by the outbox.
    const message = decode(value).json as unknown as Sent
    return { message, about: subject(message) }
  }

  /** Undefined: it waits for another one of its object, and is held from now on. */
  const admit = async ({ key: row, value }: Entry): Promise<Flight | undefined> => {
    const hold = holdOf(read(value).about)
    const flying = flights.get(nameOf(hold))
    const waits = flying !== undefined || (mayHaveHeld && (await queue.held(name, hold, 1)).length > 0)
    if (!waits) return launch({ value, row, isFresh: true, due: undefined })
    const writes: Write[] = [queue.remove(row), queue.writeHeld(name, hold, { key: row, value })]
    if (!flying || flying.due) {
      await queue.commit(writes)
      return undefined
    }
    // What it waits for is held before it: so it does in the next run, too.
    const moved = queue.writeHeld(name, hold, { key: flying.row, value: flying.value })
    const due = { hold, dueMs: Math.ceil(now()), refusals: 0 }
    const dueWrite = queue.writeDue(name, due)
    mayHaveHeld = true
    await queue.commit([...writes, queue.remove(flying.row), moved, dueWrite])
    flying.row = moved.key
    flying.due = { ...due, row: dueWrite.key }
    return undefined
  }

  /** What is held, and due. */
  const dueFlights = async (made: Flight[], limit: number): Promise<void> => {
    const rows = await queue.due(name, PAGE)
    const ms = now()
    mayHaveHeld = rows.length > 0
    const idle = rows.filter(({ hold }) => !flights.has(nameOf(hold)))
    heldNextMs = Number.POSITIVE_INFINITY
    for (const due of idle) {
      if (!isDue(due, ms) || made.length >= limit) {
        heldNextMs = Math.min(heldNextMs, isDue(due, ms) ? ms : due.dueMs)
        break
      }
      if (flights.has(nameOf(due.hold))) continue
      const [first] = await queue.held(name, due.hold, 1)
      if (first) made.push(launch({ value: first.value, row: first.key, isFresh: false, due }))
      else await queue.commit([queue.remove(due.row)])
    }
  }

  /** Of an object whose first held message has gone. */
  const afterFirst = async ({ hold, row }: Flight, due: Due): Promise<readonly Write[]> => {
    const rest = (await queue.held(name, hold, 2)).filter(({ key }) => !key.equals(row))
    if (rest.length === 0) return [queue.remove(due.row)]
    return rescheduled(due, { hold, dueMs: now(), refusals: 0 })
  }
  const rescheduled = (before: Due | undefined, after: Omit<Due, 'row'>): Write[] => {
    const put = queue.writeDue(name, after)
    return before && !before.row.equals(put.key) ? [queue.remove(before.row), put] : [put]
  }

  const writesOf = async ({ flight, refusal }: Outcome): Promise<readonly Write[]> => {
    const { due, row, hold, holdAfter, value } = flight
    if (refusal === undefined) return [queue.remove(row), ...(due ? await afterFirst(flight, due) : [])]
    const refusals = (due?.refusals ?? 0) + 1
    const dueMs = now() + Math.min(retryMs * 2 ** (refusals - 1), MAX_RETRY_MS)
    const held = queue.writeHeld(name, holdAfter, { key: row, value })
    const isThere = held.key.equals(row)
    const stays = holdAfter.equals(hold)
    return [
      ...(isThere ? [] : [queue.remove(row), held]),
      ...(due && !stays ? await afterFirst(flight, due) : []),
      ...rescheduled(stays ? due : undefined, { hold: holdAfter, dueMs, refusals }),
    ]
  }

  /** True when something was taken. */
  const settle = async (outcomes: readonly Outcome[]): Promise<boolean> => {
    // What was given up at the end is begun again by the next run.
    const all = outcomes.filter(({ refusal }) => refusal === undefined || !stop.aborted)
    const taken = all.filter(({ refusal }) => refusal === undefined)
    if (all.length > taken.length) mayHaveHeld = true
    try {
      const writes: Write[] = []
      for (const outcome of all) writes.push(...(await writesOf(outcome)))
      await queue.commit(writes)
    } finally {
      for (const { flight } of outcomes) flights.delete(nameOf(flight.hold))
      if (all.length > 0) heldNextMs = 0
    }
    if (taken.length > 0) [inARow, pauses, pausedUntilMs] = [0, 0, 0]
    for (const { flight, refusal } of all) {
      // What was tried before says nothing new.
      if (refusal !== undefined && flight.isFresh && !(refusal instanceof MessageRefused)) inARow++
    }
    if (inARow > AWAY_AFTER) pausedUntilMs = now() + Math.min(retryMs * 2 ** pauses++, MAX_PAUSE_MS)
    const refused = all.find(({ refusal }) => refusal !== undefined)
    if (refused && now() >= quietUntilMs) {
      quietUntilMs = now() + retryMs * QUIET
      const { refusal, flight } = refused
      onRefusal(read(flight.value).about.bucket, refusal instanceof MessageRefused ? refusal.cause : refusal)
    }
    return taken.length > 0
  }

  /** True when something was taken. What takes long goes on by itself. */
  const fly = async (group: readonly Flight[]): Promise<boolean> => {
    const outcomes: Outcome[] = []
    const works = group.map(async (flight) => {
      outcomes.push(await outcomeOf(flight))
    })
    const timer = new AbortController()
    const enough = wait(SLOW_MS, undefined, { signal: timer.signal, ref: false }).catch(() => undefined)
    await Promise.race([Promise.all(works), enough])
    timer.abort()
    const ended = [...outcomes]
    for (const flight of group) if (!ended.some((one) => one.flight === flight)) goOn(flight)
    return locked(() => settle(ended))
  }
  const goOn = (flight: Flight): void => {
    const end = async (): Promise<void> => {
      try {
        const outcome = await outcomeOf(flight)
        await locked(() => settle([outcome]))
      } finally {
        slow.count--
        slowOnes.delete(work)
        mayHaveReady = true
        onChange()
      }
    }
    slow.count++
    const work = end().catch(onError)
    slowOnes.add(work)
  }

  /** Flies what `make` launches. */
  const flyAll = async (make: (group: Flight[]) => Promise<void>): Promise<boolean> => {
    const group: Flight[] = []
    try {
      await make(group)
    } catch (error) {
      for (const flight of group) goOn(flight)
      throw error
    }
    return group.length > 0 && fly(group)
  }

  const retry = async (): Promise<void> => {
    const startedMs = now()
    if (startedMs < restUntilMs) return
    let tried = 0
    let isTaken = false
    while (!stop.aborted && tried < PAGE && now() - startedMs < SLOW_MS && roomToRetry() > 0) {
      const before = tried
      const some = await flyAll(async (group) => {
        await locked(() => dueFlights(group, roomToRetry()))
        tried += group.length
      })
      if (some) isTaken = true
      if (tried === before) break
    }
    const endedMs = now()
    if (tried > 0 && !isTaken) restUntilMs = endedMs + (endedMs - startedMs) * REST
  }

  const isPaused = (): boolean => inARow > AWAY_AFTER && now() < pausedUntilMs
  const tell = async (): Promise<void> => {
    const startedMs = now()
    if (isPaused()) return
    mayHaveReady = false
    const inFlight = new Set([...flights.values()].map(({ row }) => nameOf(row)))
    const rows = await queue.ready(name, PAGE)
    const rest = rows.filter(({ key }) => !inFlight.has(nameOf(key)))
    for (let at = 0; at < rest.length; ) {
      if (stop.aborted || isPaused() || room() === 0 || now() - startedMs > SLOW_MS) {
        mayHaveReady = true
        return
      }
      await flyAll(async (group) => {
        for (let row = rest[at]; row && group.length < room() && !group.some(isOf(row)); row = rest[++at]) {
          const entry = row
          const flight = await locked(() => admit(entry))
          if (flight) group.push(flight)
        }
      })
    }
    if (rows.length === PAGE) mayHaveReady = true
  }
  const isOf = (row: Entry) => {
    const hold = holdOf(read(row.value).about)
    return (flight: Flight): boolean => flight.hold.equals(hold)
  }

  return {
    news: () => {
      mayHaveReady = true
    },
    nextMs: () => {
      if (busy || room() === 0) return Number.POSITIVE_INFINITY
      const heldMs = mayHaveHeld && roomToRetry() > 0 ? Math.max(heldNextMs, restUntilMs) : Number.POSITIVE_INFINITY
      const readyMs = mayHaveReady ? pausedUntilMs : Number.POSITIVE_INFINITY
      return Math.min(heldMs, readyMs)
    },
    isIdle: () => !busy && !mayHaveReady && !mayHaveHeld && slowOnes.size === 0 && inARow === 0,
    turn: async () => {
      busy = true
      try {
        await retry()
        await tell()
      } catch (error) {
        if (!stop.aborted) onError(error)
        mayHaveReady = true
        pausedUntilMs = now() + retryMs
        restUntilMs = pausedUntilMs
      } finally {
        busy = false
      }
    },
    ended: async () => {
      await Promise.all(slowOnes)
    },
  }
}

/** A time that is further away than any was set for comes of a clock that was wrong. */
const isDue = ({ dueMs }: Due, ms: number): boolean => dueMs <= ms || dueMs > ms + 2 * MAX_RETRY_MS

const nameOf = (bytes: Buffer): string => bytes.toString('latin1')

const outcomeOf = (flight: Flight): Promise<Outcome> =>
  flight.work.then(
    () => ({ flight }),
    (error: unknown) => ({ flight, refusal: error ?? new Error('not taken') }),
  )
