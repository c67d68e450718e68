import { createSerial } from '../../base/serial.ts'
import type { Entry, Write } from '../../storage/metadata/metadata-store.ts'
import { openDueList } from './due-list.ts'
import type { Message, Subject } from './options.ts'
import type { Due, Queue, Waiting } from './queue.ts'
import { type DueKind, holdOf, ownHold } from './rows.ts'
import { type Landed, settlementOf } from './settlement.ts'
import type { Slot, Slots } from './slots.ts'

/** Rows that are read at a time. */
const PAGE = 64

/** A message on its way. */
export interface Flight {
  readonly kind: 'ready' | DueKind
  readonly subject: Subject
  readonly sinceMs: number
}

export interface Outcome {
  readonly flight: Flight
  /** Undefined: it was taken. */
  readonly refusal?: unknown
}

export interface FlightsOptions<Sent extends Message> {
  /** Of the lane. */
  readonly name: string
  readonly queue: Queue<Sent>
  /** Rejects when it was not taken. */
  readonly deliver: (message: Sent) => Promise<void>
  readonly slots: Slots
  readonly retryMs: number
  readonly now: () => number
  readonly stop: AbortSignal
  /** `nextMs` may be another one now. */
  readonly onChange: () => void
}

/** What of a lane is on its way, and what is held: whether something waits is decided, and written, one at a time. */
export interface Flights<Sent> {
  /** There may be new messages. */
  readonly news: () => void
  /** Begins up to so many of a kind, and resolves to how many. */
  readonly launch: (kind: Flight['kind'], limit: number) => Promise<number>
  /** What was not taken is held. Those that were given up at the end are left to the next run; the others are told. */
  readonly settle: (outcomes: readonly Outcome[]) => Promise<readonly Outcome[]>
  /** The messages that wait for one that was not taken; some of them, where there are very many. */
  readonly behind: (flight: Flight) => Promise<readonly Sent[]>
  /** On their way, of a kind. */
  readonly count: (kind: Flight['kind']) => number
  /** When there is one of a kind to begin, as far as is known. */
  readonly nextMs: (kind: Flight['kind']) => number
  readonly isFlying: () => boolean
  /** Nothing is on its way, or held, or may be ready. */
  readonly isIdle: () => boolean
  /** Resolves when what is on its way has ended. */
  readonly landed: () => Promise<void>
}

interface Flying extends Landed, Flight {
  readonly slot: Slot
  /** Never rejects. */
  readonly work: Promise<void>
}

/** `onEnd`: called when a delivery has ended, which is then to be settled. */
export function openFlights<Sent extends Message>(
  { name, queue, deliver, slots, retryMs, now, stop, onChange }: FlightsOptions<Sent>,
  onEnd: (outcome: Outcome) => void,
): Flights<Sent> {
  const serial = createSerial()
  const locked = <T>(work: () => Promise<T>): Promise<T> =>
    serial.run('rows', () =>
      work().catch((error: unknown) => {
        // What is stored decides what comes first.
        ready = []
        mayHaveReady = true
        dueLists.due.forget()
        dueLists.refused.forget()
        throw error
      }),
    )
  const writesOf = settlementOf({ name, queue, retryMs, now })
  const flying = new Map<string, Flying>()
  const dueListOf = (kind: DueKind) => openDueList(queue, name, kind, now, (hold) => flying.has(nameOf(hold)))
  const dueLists = { due: dueListOf('due'), refused: dueListOf('refused') }
  let ready: (Waiting<Sent> & { readonly hold: Buffer })[] = []
  let mayHaveReady = false

  const begin = (kind: Flight['kind'], { message, subject, key: row, value }: Waiting<Sent>, due?: Due): void => {
    const hold = due?.hold ?? holdOf(subject)
    const holdAfter = subject.mayComeLate ? ownHold(subject.id) : hold
    const of = { kind, subject, sinceMs: now(), slot: slots.begin(onChange) }
    const work = deliver(message).then(
      () => onEnd({ flight }),
      (error: unknown) => onEnd({ flight, refusal: error ?? new Error('not taken') }),
    )
    const flight: Flying = { ...of, work, value, hold, holdAfter, row, due }
    flying.set(nameOf(hold), flight)
  }
  const changed = (): void => {
    dueLists.due.changed()
    dueLists.refused.changed()
  }
  const isAnyHeld = (): boolean => Object.values(dueLists).some((list) => list.nextMs() !== Number.POSITIVE_INFINITY)
  /** What comes of the same object soon is waited for in memory. */
  const isSoon = (hold: Buffer): boolean => flying.get(nameOf(hold))?.slot.isOld() === false

  /** Begins it, or holds it where it waits for another one of its object. */
  const launchOrHold = async (row: (typeof ready)[number]): Promise<boolean> => {
    const { hold } = row
    const other = flying.get(nameOf(hold))
    const waits = other !== undefined || (isAnyHeld() && (await queue.held(name, hold, 1)).length > 0)
    if (!waits) {
      begin('ready', row)
      return true
    }
    const writes: Write[] = [queue.remove(row.key), queue.writeHeld(name, hold, row)]
    if (!other || other.due) {
      await queue.commit(writes)
      return false
    }
    // What it waits for is held before it: so it does in the next run, too.
    const moved = queue.writeHeld(name, hold, { key: other.row, value: other.value })
    const due = { kind: 'due', hold, dueMs: Math.ceil(now()), refusals: 0 } as const
    const dueWrite = queue.writeDue(name, due)
    await queue.commit([...writes, queue.remove(other.row), moved, dueWrite])
    other.row = moved.key
    other.due = { ...due, row: dueWrite.key }
    changed()
    return false
  }
  const launchReady = async (limit: number): Promise<number> => {
    if (ready.length === 0 && mayHaveReady) {
      mayHaveReady = false
      const rows = await queue.ready(name, PAGE)
      if (rows.length === PAGE) mayHaveReady = true
      const isFlying = ({ key }: Pick<Entry, 'key'>): boolean => [...flying.values()].some(({ row }) => row.equals(key))
      ready = rows.filter((row) => !isFlying(row)).map((row) => ({ ...row, hold: holdOf(row.subject) }))
    }
    let begun = 0
    for (let at = 0; at < ready.length && begun < limit && !stop.aborted; ) {
      const row = ready[at]
      if (!row) break
      if (isSoon(row.hold)) {
        at++
        continue
      }
      ready.splice(at, 1)
      if (await launchOrHold(row)) begun++
    }
    return begun
  }
  const launchDue = async (kind: DueKind, limit: number): Promise<number> => {
    let begun = 0
    while (begun < limit && !stop.aborted) {
      const due = await dueLists[kind].take()
      if (!due) break
      const [first] = await queue.held(name, due.hold, 1)
      if (!first) {
        await queue.commit([queue.remove(due.row)])
        continue
      }
      begin(kind, first, due)
      begun++
    }
    return begun
  }

  const settle: Flights<Sent>['settle'] = async (outcomes) => {
    const told = outcomes.filter(({ refusal }) => refusal === undefined || !stop.aborted)
    const ended = [...flying.values()].filter((one) => outcomes.some(({ flight }) => flight === one))
    try {
      const writes: Write[] = []
      for (const flight of ended) {
        const outcome = told.find((one) => one.flight === flight)
        if (!outcome) continue
        const { refusal } = outcome
        writes.push(...(await writesOf(flight, refusal)))
        if (refusal !== undefined || flight.due) changed()
      }
      await queue.commit(writes)
    } finally {
      for (const { hold } of ended) flying.delete(nameOf(hold))
      for (const { slot } of ended) slot.end()
    }
    return told
  }

  return {
    news: () => {
      mayHaveReady = true
    },
    launch: (kind, limit) => locked(() => (kind === 'ready' ? launchReady(limit) : launchDue(kind, limit))),
    settle: (outcomes) => locked(() => settle(outcomes)),
    behind: async ({ subject }) => {
      const rows = subject.mayComeLate ? [] : await queue.held(name, holdOf(subject), PAGE)
      return rows.filter((row) => row.subject.id !== subject.id).map(({ message }) => message)
    },
    count: (of) => [...flying.values()].filter(({ kind }) => kind === of).length,
    nextMs: (kind) => {
      if (kind !== 'ready') return dueLists[kind].nextMs()
      const is = ready.length === 0 ? mayHaveReady : ready.some(({ hold }) => !isSoon(hold))
      return is ? 0 : Number.POSITIVE_INFINITY
    },
    landed: async () => {
      await Promise.all([...flying.values()].map(({ work }) => work))
    },
    isFlying: () => flying.size > 0,
    isIdle: () => flying.size === 0 && ready.length === 0 && !mayHaveReady && !isAnyHeld(),
  }
}

const nameOf = (bytes: Buffer): string => bytes.toString('latin1')
