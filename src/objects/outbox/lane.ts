import { setTimeout as wait } from 'node:timers/promises'
import { type Flight, type FlightsOptions, type Outcome, openFlights } from './flights.ts'
import { type Message, MessageRefused } from './options.ts'
import { openPace } from './pace.ts'

/** Messages that are looked at in one turn. */
const PAGE = 64
/** A delivery that takes longer keeps only what is about the same object waiting; each half of a turn ends by then, too. */
const SLOW_MS = 2000
/** The same, where some take long already. */
const SLOW_BESIDE_MS = 100
/** What goes wrong is told of a bucket once in so many waits before a first repetition. */
const QUIET = 5

export interface LaneOptions<Sent extends Message> extends FlightsOptions<Sent> {
  /** Deliveries that take long, of all lanes. */
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

export function openLane<Sent extends Message>(options: LaneOptions<Sent>): Lane {
  const { name, queue, retryMs, now, stop, slow, onRefusal, onError, onChange } = options
  const flights = openFlights(options)
  const pace = openPace(retryMs, now, slow)
  const slowOnes = new Set<Promise<void>>()
  let busy = false
  let mayHaveReady = false
  let quietUntilMs = 0

  /** True when something was taken. */
  const settle = async (outcomes: readonly Outcome[]): Promise<boolean> => {
    const all = await flights.settle(outcomes)
    const isTaken = all.some(({ refusal }) => refusal === undefined)
    pace.told({ isTaken, misses: all.filter(isMiss).length })
    const refused = all.find(({ refusal }) => refusal !== undefined)
    if (refused && now() >= quietUntilMs) {
      quietUntilMs = now() + retryMs * QUIET
      const { refusal, flight } = refused
      onRefusal(flight.subject.bucket, refusal instanceof MessageRefused ? refusal.cause : refusal)
    }
    return isTaken
  }

  /** True when something was taken. What takes long goes on by itself. */
  const fly = async (group: readonly Flight[]): Promise<boolean> => {
    const outcomes: Outcome[] = []
    const works = group.map(async (flight) => {
      outcomes.push(await outcomeOf(flight))
    })
    const timer = new AbortController()
    const patienceMs = pace.hasSlow() ? SLOW_BESIDE_MS : SLOW_MS
    const enough = wait(patienceMs, undefined, { signal: timer.signal, ref: false }).catch(() => undefined)
    await Promise.race([Promise.all(works), enough])
    timer.abort()
    const ended = [...outcomes]
    for (const flight of group) if (!ended.some((one) => one.flight === flight)) goOn(flight)
    return settle(ended)
  }
  const goOn = (flight: Flight): void => {
    const end = async (): Promise<void> => {
      try {
        await settle([await outcomeOf(flight)])
      } finally {
        pace.slowEnded()
        slowOnes.delete(work)
        mayHaveReady = true
        onChange()
      }
    }
    pace.slowBegan()
    const work = end().catch(onError)
    slowOnes.add(work)
  }
  /** Flies what `make` launches. True when something was taken. */
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

  /** What is held, and due. */
  const retry = async (): Promise<void> => {
    const startedMs = now()
    if (startedMs < pace.restUntilMs()) return
    let tried = 0
    let isTaken = false
    while (!stop.aborted && tried < PAGE && now() - startedMs < SLOW_MS && pace.roomToRetry() > 0) {
      const before = tried
      const some = await flyAll(async (group) => {
        await flights.launchDue(group, pace.roomToRetry())
        tried += group.length
      })
      if (some) isTaken = true
      if (tried === before) break
    }
    if (tried > 0 && !isTaken) pace.triedInVain(startedMs)
  }

  /** What is ready. */
  const tell = async (): Promise<void> => {
    const startedMs = now()
    const isOver = (): boolean =>
      stop.aborted || now() < pace.pausedUntilMs() || pace.room() === 0 || now() - startedMs > SLOW_MS
    if (isOver()) return
    mayHaveReady = false
    const rows = await queue.ready(name, PAGE)
    const rest = rows.filter((row) => !flights.isFlying(row))
    for (let at = 0; at < rest.length; ) {
      if (isOver()) {
        mayHaveReady = true
        return
      }
      await flyAll(async (group) => {
        const holds: Buffer[] = []
        for (let row = rest[at]; row && group.length < pace.room(); row = rest[++at]) {
          const hold = flights.holdOf(row)
          if (holds.some((one) => one.equals(hold))) break
          const flight = await flights.launch(row)
          if (!flight) continue
          holds.push(hold)
          group.push(flight)
        }
      })
    }
    if (rows.length === PAGE) mayHaveReady = true
  }

  return {
    news: () => {
      mayHaveReady = true
    },
    nextMs: () => {
      if (busy || pace.room() === 0) return Number.POSITIVE_INFINITY
      const heldMs = pace.roomToRetry() > 0 ? Math.max(flights.dueMs(), pace.restUntilMs()) : Number.POSITIVE_INFINITY
      return Math.min(heldMs, mayHaveReady ? pace.pausedUntilMs() : Number.POSITIVE_INFINITY)
    },
    isIdle: () => !busy && !mayHaveReady && pace.isEven() && flights.dueMs() === Number.POSITIVE_INFINITY,
    turn: async () => {
      busy = true
      try {
        await retry()
        await tell()
      } catch (error) {
        if (!stop.aborted) onError(error)
        mayHaveReady = true
        pace.failed()
      } finally {
        busy = false
      }
    },
    ended: async () => {
      await Promise.all(slowOnes)
    },
  }
}

/** What was tried before says nothing new of the target, and what is refused says nothing of it. */
const isMiss = ({ refusal, flight }: Outcome): boolean =>
  refusal !== undefined && flight.isFresh && !(refusal instanceof MessageRefused)

const outcomeOf = (flight: Flight): Promise<Outcome> =>
  flight.work.then(
    () => ({ flight }),
    (error: unknown) => ({ flight, refusal: error ?? new Error('not taken') }),
  )
