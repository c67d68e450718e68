import { createSerial } from '../../base/serial.ts'
import type { Entry, Write } from '../../storage/metadata/metadata-store.ts'
import { decode } from '../record-codec.ts'
import type { Message, Subject } from './options.ts'
import type { Due, Queue } from './queue.ts'
import { holdOf, ownHold } from './rows.ts'

/** Rows that are looked at for what is due. */
const PAGE = 64
const MAX_RETRY_MS = 300_000

/** A message on its way. */
export interface Flight {
  /** Rejects when it was not taken. */
  readonly work: Promise<void>
  readonly subject: Subject
  /** It was not tried before. */
  readonly isFresh: boolean
}

export interface Outcome {
  readonly flight: Flight
  /** Undefined: it was taken. */
  readonly refusal?: unknown
}

export interface FlightsOptions<Sent extends Message> {
  /** Of the lane. */
  readonly name: string
  readonly queue: Queue
  readonly subject: (message: Sent) => Subject
  readonly deliver: (message: Sent) => Promise<void>
  readonly retryMs: number
  readonly now: () => number
  readonly stop: AbortSignal
}

/** What of a lane is on its way, and what is held: whether something waits is decided, and written, one at a time. */
export interface Flights {
  readonly isFlying: (row: Entry) => boolean
  readonly holdOf: (row: Entry) => Buffer
  /** A message that is ready. Undefined: it waits for another one of its object, and is held from now on. */
  readonly launch: (row: Entry) => Promise<Flight | undefined>
  /** Adds so many of what is held and due to `made`. */
  readonly launchDue: (made: Flight[], limit: number) => Promise<void>
  /** What was not taken is held. Those that were given up at the end are left to the next run; the others are told. */
  readonly settle: (outcomes: readonly Outcome[]) => Promise<readonly Outcome[]>
  /** When something held is due, as far as is known; infinite: nothing is held but what is on its way. */
  readonly dueMs: () => number
}

interface Flying extends Flight {
  readonly value: Buffer
  readonly hold: Buffer
  /** Where it is held once it was not taken. */
  readonly holdAfter: Buffer
  /** Where it lies: that changes when something of the same object comes to wait for it. */
  row: Buffer
  /** Undefined: it is not held. */
  due: Due | undefined
}

export function openFlights<Sent extends Message>(options: FlightsOptions<Sent>): Flights {
  const { name, queue, subject, deliver, retryMs, now, stop } = options
  const serial = createSerial()
  const locked = <T>(work: () => Promise<T>): Promise<T> => serial.run('rows', work)
  const flying = new Map<string, Flying>()
  let mayHold = true
  let nextDueMs = 0

  const read = (value: Buffer) => {
    // What was stored was encoded by the outbox.
    const message = decode(value).json as unknown as Sent
    return { message, about: subject(message) }
  }
  const begin = ({ key: row, value }: Entry, due: Due | undefined): Flight => {
    const { message, about } = read(value)
    const hold = due?.hold ?? holdOf(about)
    const holdAfter = about.mayComeLate ? ownHold(about.id) : hold
    const work = deliver(message)
    // Whoever waits for it hears of it.
    work.catch(() => undefined)
    const flight = { work, subject: about, isFresh: due === undefined, value, hold, holdAfter, row, due }
    flying.set(nameOf(hold), flight)
    return flight
  }

  const launch = async (row: Entry): Promise<Flight | undefined> => {
    const hold = holdOf(read(row.value).about)
    const other = flying.get(nameOf(hold))
    const waits = other !== undefined || (mayHold && (await queue.held(name, hold, 1)).length > 0)
    if (!waits) return begin(row, undefined)
    const writes: Write[] = [queue.remove(row.key), queue.writeHeld(name, hold, row)]
    if (!other || other.due) {
      await queue.commit(writes)
      return undefined
    }
    // What it waits for is held before it: so it does in the next run, too.
    const moved = queue.writeHeld(name, hold, { key: other.row, value: other.value })
    const due = { hold, dueMs: Math.ceil(now()), refusals: 0 }
    const dueWrite = queue.writeDue(name, due)
    mayHold = true
    await queue.commit([...writes, queue.remove(other.row), moved, dueWrite])
    other.row = moved.key
    other.due = { ...due, row: dueWrite.key }
    return undefined
  }

  const launchDue: Flights['launchDue'] = async (made, limit) => {
    const rows = await queue.due(name, PAGE)
    const ms = now()
    mayHold = rows.length > 0
    nextDueMs = Number.POSITIVE_INFINITY
    for (const due of rows) {
      if (flying.has(nameOf(due.hold))) continue
      if (!isDue(due, ms) || made.length >= limit) {
        nextDueMs = isDue(due, ms) ? ms : due.dueMs
        return
      }
      const [first] = await queue.held(name, due.hold, 1)
      if (first) made.push(begin(first, due))
      else await queue.commit([queue.remove(due.row)])
    }
  }

  /** Of an object whose first held message has gone. */
  const afterFirst = async ({ hold, row }: Flying, due: Due): Promise<readonly Write[]> => {
    const rest = (await queue.held(name, hold, 2)).filter(({ key }) => !key.equals(row))
    return rest.length === 0 ? [queue.remove(due.row)] : rescheduled(due, { hold, dueMs: now(), refusals: 0 })
  }
  const rescheduled = (before: Due | undefined, after: Omit<Due, 'row'>): Write[] => {
    const put = queue.writeDue(name, after)
    return before && !before.row.equals(put.key) ? [queue.remove(before.row), put] : [put]
  }
  const writesOfTaken = async (flight: Flying): Promise<readonly Write[]> => {
    const { due, row } = flight
    return [queue.remove(row), ...(due ? await afterFirst(flight, due) : [])]
  }
  const writesOfRefused = async (flight: Flying): Promise<readonly Write[]> => {
    const { due, row, hold, holdAfter, value } = flight
    const refusals = (due?.refusals ?? 0) + 1
    const dueMs = now() + Math.min(retryMs * 2 ** (refusals - 1), MAX_RETRY_MS)
    const held = queue.writeHeld(name, holdAfter, { key: row, value })
    const stays = holdAfter.equals(hold)
    return [
      ...(held.key.equals(row) ? [] : [queue.remove(row), held]),
      ...(due && !stays ? await afterFirst(flight, due) : []),
      ...rescheduled(stays ? due : undefined, { hold: holdAfter, dueMs, refusals }),
    ]
  }

  const settle: Flights['settle'] = async (outcomes) => {
    const all = outcomes.filter(({ refusal }) => refusal === undefined || !stop.aborted)
    if (all.some(({ refusal }) => refusal !== undefined)) mayHold = true
    const ended = [...flying.values()].filter((one) => outcomes.some(({ flight }) => flight === one))
    try {
      const writes: Write[] = []
      for (const flight of ended) {
        const outcome = all.find((one) => one.flight === flight)
        if (!outcome) continue
        writes.push(...(await (outcome.refusal === undefined ? writesOfTaken(flight) : writesOfRefused(flight))))
      }
      await queue.commit(writes)
    } finally {
      for (const { hold } of ended) flying.delete(nameOf(hold))
      nextDueMs = 0
    }
    return all
  }

  return {
    isFlying: ({ key }) => [...flying.values()].some(({ row }) => row.equals(key)),
    holdOf: ({ value }) => holdOf(read(value).about),
    launch: (row) => locked(() => launch(row)),
    launchDue: (made, limit) => locked(() => launchDue(made, limit)),
    settle: (outcomes) => locked(() => settle(outcomes)),
    dueMs: () => (mayHold ? nextDueMs : Number.POSITIVE_INFINITY),
  }
}

/** A time that is further away than any was set for comes of a clock that was wrong. */
const isDue = ({ dueMs }: Due, ms: number): boolean => dueMs <= ms || dueMs > ms + 2 * MAX_RETRY_MS

const nameOf = (bytes: Buffer): string => bytes.toString('latin1')
