import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import { random16 } from '../../base/ids.ts'
import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import type { Documents } from '../bucket-documents.ts'
import type { Bucket } from '../buckets.ts'
import type { Asker } from '../data-key-audit.ts'
import { garbageKey, rowsUnder, SPACE } from '../keyspace.ts'
import { decode, encode } from '../record-codec.ts'
import type { VersionOrders } from '../version-id.ts'
import { dropAbandoned, prefixOf } from './abandoned.ts'
import { notificationsFrom, type Subscription, wants } from './configuration.ts'
import type { ObjectEvent, ObjectEventName, QueuedEvent } from './event.ts'
import { type HeldBack, heldBack, type Lane } from './held-back.ts'

export interface NotificationOptions {
  /** Names that subscriptions may have as their target. */
  readonly targets: readonly string[]
  /** Rejects when the target did not take it: it is told again. */
  readonly deliver: (event: QueuedEvent) => Promise<void>
  /** Of the first repetition of an event; each further one waits twice as long, up to five minutes. */
  readonly retryMs?: number
}

/**
 * Events of objects on their way to whom buckets tell them. An event is stored in the very commit that makes what it tells
 * of, and removed when its target has taken it.
 */
export interface Notifications {
  readonly isWanted: (bucket: Bucket, name: ObjectEventName, key: string) => boolean
  /** For the commit that makes it so; `wake` after it. */
  readonly writes: (bucket: Bucket, event: ObjectEvent, asker: Asker) => readonly Write[]
  /** That a subscription was made. */
  readonly testWrite: (bucket: Bucket, subscription: Subscription, asker: Asker) => Write
  readonly wake: () => void
  /** Starts what earlier runs left. Before it nothing is delivered. */
  readonly start: () => void
  readonly close: () => Promise<void>
}

const PAGE = 100
const AT_A_TIME = 8
const RETRY_MS = 1000
const MAX_RETRY_MS = 300_000
/** So many events refused in a row, none of which was refused before: the target is not there. */
const DOWN_AFTER = 64
/** It is asked again so often. */
const MAX_PAUSE_MS = 30_000
/** An event is stored so long after its time at the most; a later one is found with what is tried again. */
const LATE_MS = 60_000
/** Reading all that is held back takes no more than one part of so many. */
const REST = 10
const NOTHING = Buffer.alloc(16)
/** What nobody has taken by then is dropped, and told of. */
const EXPIRES_MS = 7 * 86_400_000
const ABANDONED_MS = 3_600_000

interface Queued {
  readonly key: Buffer
  readonly event: QueuedEvent
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
type Outcome = Readonly<Round>

export function openNotifications(options: {
  readonly metadata: MetadataStore
  readonly documents: Pick<Documents, 'get'>
  readonly orders: VersionOrders
  readonly clock: Clock
  readonly settings: NotificationOptions | undefined
  readonly onError: (error: unknown) => void
}): Notifications {
  const { metadata, documents, orders, clock, settings, onError } = options
  const stop = new AbortController()
  const running = new Map<string, Promise<void>>()
  /** Told of something new while they are told of the rest. */
  const again = new Set<string>()
  const news = new Map<string, () => void>()
  let started = false

  const queued = (
    bucket: Bucket,
    { id, target }: Subscription,
    event: ObjectEvent | undefined,
    asker: Asker,
  ): Write => {
    const timeMs = clock.now()
    const value: QueuedEvent = {
      ...{ target, subscription: id, bucket: { name: bucket.name, ownerId: bucket.ownerId }, timeMs, event },
      sequencer: orders.next(0n).toString(16).toUpperCase().padStart(16, '0'),
      ...{ iamId: asker.iamId, requestId: asker.requestId ?? '', sourceIp: asker.sourceIp ?? '' },
    }
    // Of two events of one millisecond the later one comes later.
    const random = Buffer.concat([Buffer.from(value.sequencer, 'hex'), random16().subarray(8)])
    const key = Buffer.concat([prefixOf(target), garbageKey(timeMs, random)])
    return { type: 'put', space: SPACE.notification, key, value: encode(value) }
  }

  const wanting = (bucket: Bucket, name: ObjectEventName, key: string): readonly Subscription[] => {
    const subscriptions = notificationsFrom(documents.get(bucket, 'notification'))?.subscriptions ?? []
    // What nobody would fetch is not stored: a target that is not set up any more is told nothing.
    return subscriptions.filter((one) => settings?.targets.includes(one.target) && wants(one, name, key))
  }
  const writes: Notifications['writes'] = (bucket, event, asker) =>
    wanting(bucket, event.name, event.key).map((one) => queued(bucket, one, told(bucket, event), asker))

  /** Until nothing is left of the target. */
  const drain = async (target: string): Promise<void> => {
    const { retryMs = RETRY_MS } = settings ?? {}
    const held = heldBack(retryMs, MAX_RETRY_MS)
    const all = rowsUnder(prefixOf(target))
    let pauses = 0
    let gte = all.gte
    while (!stop.signal.aborted) {
      again.delete(target)
      const startedMs = performance.now()
      const { refusal, left, stopped } = await deliverAll(held, { ...all, gte }, gte === all.gte, pauses > 0)
      if (refusal !== undefined) {
        onError(new Error(`the notification target ${target} does not take all that it is told`, { cause: refusal }))
      }
      if (!left) return
      pauses = stopped ? pauses + 1 : 0
      const pauseMs = pauses === 0 ? 0 : Math.min(retryMs * 2 ** (pauses - 1), MAX_PAUSE_MS)
      const now = performance.now()
      const nextMs = Math.max((held.nextDueMs() ?? 0) - now, (now - startedMs) * REST, 1)
      const isNews = await newsOr(target, pauses > 0 ? pauseMs : nextMs, pauses === 0)
      // What is held back and not due is passed over, and lies before what is new, but for commits that took their time.
      gte = isNews
        ? Buffer.concat([prefixOf(target), garbageKey(Math.max(clock.now() - LATE_MS, 0), NOTHING)])
        : all.gte
    }
  }

  /** True when there are new events of the target before so many milliseconds are over. */
  const newsOr = async (target: string, waitMs: number, interested: boolean): Promise<boolean> => {
    if (interested && again.has(target)) return true
    const woken = new AbortController()
    if (interested) news.set(target, () => woken.abort())
    const signal = AbortSignal.any([stop.signal, woken.signal])
    await wait(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
    news.delete(target)
    return woken.signal.aborted
  }

  /**
   * Tells the target of one event after another, several at a time, those of one lane in their order. `fromHead`: what is
   * held back is tried again if it is due. `down`: the target took nothing of late, so it is not asked for more than a few.
   */
  const deliverAll = async (
    held: HeldBack,
    { gte, lt }: ReturnType<typeof rowsUnder>,
    fromHead: boolean,
    down: boolean,
  ): Promise<Outcome> => {
    const round: Round = { left: !fromHead, refusal: undefined, inARow: down ? DOWN_AFTER : 0, stopped: false }
    // What is refused now is not tried again, and nothing that comes after it told, before the next round.
    const startedMs = performance.now()
    let group = new Map<Lane, Queued>()
    let from = gte
    for (;;) {
      const rows: (Entry | DamagedRow)[] = await rangeWithDamaged(metadata, SPACE.notification, {
        gte: from,
        lt,
        limit: PAGE,
      })
      for (const row of rows) {
        if (stop.signal.aborted) return round
        if ('damage' in row) {
          await dropDamaged(row)
          continue
        }
        // What was stored was encoded above.
        const event = decode(row.value).json as unknown as QueuedEvent
        if (group.has(held.lane(event)) || group.size >= AT_A_TIME) {
          await deliverGroup(held, round, [...group.values()])
          group = new Map()
          if (round.stopped) return round
        }
        const lane = held.lane(event)
        const dueMs = held.dueMs(lane)
        if (dueMs === undefined || (fromHead && dueMs <= startedMs)) {
          group.set(lane, { key: row.key, lane, event, fresh: dueMs === undefined })
        } else {
          round.left = true
        }
      }
      const last = rows.at(-1)
      if (rows.length < PAGE || !last) break
      from = Buffer.concat([last.key, Buffer.from([0])])
    }
    await deliverGroup(held, round, [...group.values()])
    return round
  }

  const deliverGroup = async (held: HeldBack, round: Round, group: readonly Queued[]): Promise<void> => {
    const outcomes = await Promise.allSettled(group.map(({ event }) => deliverOne(event)))
    const taken: Queued[] = []
    for (const [index, one] of group.entries()) {
      const outcome = outcomes[index]
      if (outcome?.status === 'fulfilled') {
        taken.push(one)
        held.taken(one.event, one.lane)
        round.inARow = 0
        continue
      }
      held.refused(one.event, performance.now())
      round.refusal ??= outcome?.reason ?? new Error('not taken')
      round.left = true
      // What was refused before says nothing new.
      if (one.fresh) round.inARow++
    }
    round.stopped = round.inARow > DOWN_AFTER
    if (taken.length === 0) return
    await metadata.commit(taken.map(({ key }): Write => ({ type: 'delete', space: SPACE.notification, key })))
  }

  /** Nobody can be told what it says. */
  const dropDamaged = async ({ key, damage }: DamagedRow): Promise<void> => {
    await metadata.commit([{ type: 'delete', space: SPACE.notification, key }])
    onError(new Error('an event for a notification target was dropped: it cannot be read', { cause: damage }))
  }

  const deliverOne = async (event: QueuedEvent): Promise<void> => {
    try {
      await settings?.deliver(event)
    } catch (error) {
      if (clock.now() - event.timeMs < EXPIRES_MS) throw error
      onError(
        new Error(`an event for the notification target ${event.target} was dropped: nobody took it`, { cause: error }),
      )
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
  /** What is left of targets that are not set up any more goes when its time is over. */
  let tidying: Promise<void> = Promise.resolve()
  const tidy = (): void => {
    const onDropped = (target: string, count: number): void =>
      onError(
        new Error(`${count} events for the notification target ${target} were dropped: it is not set up any more`),
      )
    tidying = tidying
      .then(() => dropAbandoned(metadata, settings?.targets ?? [], clock.now() - EXPIRES_MS, onDropped))
      .catch(onError)
  }
  const timer = setInterval(tidy, ABANDONED_MS)
  timer.unref()
  const wake = (): void => {
    for (const target of settings?.targets ?? []) pump(target)
  }

  return {
    isWanted: (bucket, name, key) => wanting(bucket, name, key).length > 0,
    writes,
    testWrite: (bucket, subscription, asker) => queued(bucket, subscription, undefined, asker),
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

function told({ versioning }: Bucket, { versionId, ...event }: ObjectEvent): ObjectEvent {
  return versioning === undefined || versionId === undefined ? event : { ...event, versionId }
}
