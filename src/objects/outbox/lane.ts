import { setImmediate as tick } from 'node:timers/promises'
import { type Flight, type FlightsOptions, type Outcome, openFlights } from './flights.ts'
import { type Message, MessageRefused, type OutboxOptions } from './options.ts'
import { type Ended, openPace } from './pace.ts'

/** What goes wrong is told of a bucket once in so many waits before a first repetition. */
const QUIET = 5

export interface LaneOptions<Sent extends Message> extends FlightsOptions<Sent> {
  readonly onWait: OutboxOptions<Sent>['onWait']
  /** Something of the bucket was not taken. */
  readonly onRefusal: (bucket: string, refusal: unknown) => void
  readonly onError: (error: unknown) => void
}

/** The messages of one bucket for one target, which keep none of another bucket waiting. */
export interface Lane {
  /** There may be new ones. */
  readonly news: () => void
  /** When there is something to begin; infinite: nothing, as far as is known. */
  readonly nextMs: () => number
  /** Nothing that would be lost with it. */
  readonly isIdle: () => boolean
  /** Something of it is on its way. */
  readonly isFlying: () => boolean
  /** Begins what there is room for, one at least, and waits for none of it. */
  readonly turn: () => void
  /** Resolves when nothing is on its way any more. */
  readonly ended: () => Promise<void>
}

export function openLane<Sent extends Message>(options: LaneOptions<Sent>): Lane {
  const { retryMs, now, stop, slots, onWait, onRefusal, onError, onChange } = options
  const pace = openPace(retryMs, now, slots)
  const works = new Set<Promise<void>>()
  const landed: Outcome[] = []
  let isSettling = false
  let isBusy = false
  let kinds: readonly Flight['kind'][] = ['refused', 'due', 'ready']
  let quietUntilMs = 0

  const run = (work: () => Promise<void>): void => {
    const running: Promise<void> = work().finally(() => {
      works.delete(running)
      onChange()
    })
    works.add(running)
  }
  const failed = (error: unknown): void => {
    if (!stop.aborted) onError(error)
    pace.failed()
  }
  const tellWaiting = async (flight: Flight, onWait: (message: Sent) => Promise<void>): Promise<void> => {
    try {
      for (const message of await flights.behind(flight)) if (!stop.aborted) await onWait(message)
    } catch (error) {
      if (!stop.aborted) onError(error)
    }
  }
  const settle = async (outcomes: readonly Outcome[]): Promise<void> => {
    const told = await flights.settle(outcomes)
    for (const { flight, refusal } of told) pace.told(flight.kind, endedAs(refusal), now() - flight.sinceMs)
    for (const { flight, refusal } of told) {
      if (onWait && refusal instanceof MessageRefused) run(() => tellWaiting(flight, onWait))
    }
    const refused = told.find(({ refusal }) => refusal !== undefined)
    if (!refused || now() < quietUntilMs) return
    quietUntilMs = now() + retryMs * QUIET
    const { refusal, flight } = refused
    onRefusal(flight.subject.bucket, refusal instanceof MessageRefused ? refusal.cause : refusal)
  }
  /** What ends at the same time, or while something is written, is written together. */
  const land = async (): Promise<void> => {
    isSettling = true
    await tick()
    while (landed.length > 0) await settle(landed.splice(0)).catch(failed)
    isSettling = false
  }
  const flights = openFlights(options, (outcome) => {
    landed.push(outcome)
    if (!isSettling) run(land)
  })

  const roomOf = (kind: Flight['kind']): number => pace.room(kind) - flights.count(kind)
  const nextMsOf = (kind: Flight['kind']): number =>
    roomOf(kind) > 0 ? Math.max(flights.nextMs(kind), pace.notBeforeMs(kind)) : Number.POSITIVE_INFINITY
  const launch = async (): Promise<void> => {
    const release = slots.reserve()
    try {
      // Where there is little room, each kind is first in its turn.
      kinds = [...kinds.slice(1), ...kinds.slice(0, 1)]
      let least = 1
      for (const kind of kinds) {
        const limit = Math.min(roomOf(kind), Math.max(slots.free(), least))
        if (limit > 0 && nextMsOf(kind) <= now() && (await flights.launch(kind, limit)) > 0) least = 0
      }
    } catch (error) {
      failed(error)
    } finally {
      isBusy = false
      release()
    }
  }

  return {
    news: flights.news,
    nextMs: () => (isBusy ? Number.POSITIVE_INFINITY : Math.min(...kinds.map(nextMsOf))),
    isIdle: () => works.size === 0 && pace.isEven() && flights.isIdle(),
    isFlying: () => works.size > 0 || flights.isFlying(),
    turn: () => {
      isBusy = true
      run(launch)
    },
    ended: async () => {
      await Promise.all(works)
      await flights.landed()
      await Promise.all(works)
    },
  }
}

const endedAs = (refusal: unknown): Ended => {
  if (refusal === undefined) return 'taken'
  return refusal instanceof MessageRefused ? 'refused' : 'missed'
}
