import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import { random16 } from '../../base/ids.ts'
import type { Entry, MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import type { Documents } from '../bucket-documents.ts'
import type { Bucket } from '../buckets.ts'
import type { Asker } from '../data-key-audit.ts'
import { garbageKey, rowsUnder, SPACE } from '../keyspace.ts'
import { decode, encode } from '../record-codec.ts'
import type { VersionOrders } from '../version-id.ts'
import { notificationsFrom, type Subscription, wants } from './configuration.ts'
import type { ObjectEvent, QueuedEvent } from './event.ts'

export interface NotificationOptions {
  /** Names that subscriptions may have as their target. */
  readonly targets: readonly string[]
  /** Rejects when the target did not take it: it is told again. */
  readonly deliver: (event: QueuedEvent) => Promise<void>
  /** Of the first repetition; each further one waits twice as long, up to five minutes. */
  readonly retryMs?: number
}

/**
 * Events of objects on their way to whom buckets tell them. An event is stored in the very commit that makes what it tells
 * of, and removed when its target has taken it.
 */
export interface Notifications {
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
/** What nobody has taken by then is dropped, and told of. */
const EXPIRES_MS = 7 * 86_400_000

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
  const again = new Set<string>()
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
    const key = Buffer.concat([prefixOf(target), garbageKey(timeMs, random16())])
    return { type: 'put', space: SPACE.notification, key, value: encode(value) }
  }

  const writes: Notifications['writes'] = (bucket, event, asker) => {
    const subscriptions = notificationsFrom(documents.get(bucket, 'notification'))?.subscriptions ?? []
    return (
      subscriptions
        // What nobody would fetch is not stored: a target that is not set up any more is told nothing.
        .filter((one) => settings?.targets.includes(one.target) && wants(one, event.name, event.key))
        .map((one) => queued(bucket, one, told(bucket, event), asker))
    )
  }

  /** Until nothing is left of the target, or it takes no more. */
  const drain = async (target: string): Promise<void> => {
    let retryMs = settings?.retryMs ?? RETRY_MS
    while (!stop.signal.aborted) {
      const rows = await metadata.range(SPACE.notification, { ...rowsUnder(prefixOf(target)), limit: PAGE })
      if (rows.length === 0) return
      const failed = await deliverRows(rows)
      if (failed === undefined) {
        retryMs = settings?.retryMs ?? RETRY_MS
        continue
      }
      onError(new Error(`the notification target ${target} takes nothing for now`, { cause: failed }))
      await wait(retryMs, undefined, { signal: stop.signal, ref: false }).catch(() => undefined)
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)
    }
  }

  /** The first error. */
  const deliverRows = async (rows: readonly Entry[]): Promise<unknown> => {
    let failed: unknown
    for (let at = 0; at < rows.length && failed === undefined; at += AT_A_TIME) {
      const group = rows.slice(at, at + AT_A_TIME)
      const outcomes = await Promise.allSettled(group.map(deliverRow))
      const taken = group.filter((_, index) => outcomes[index]?.status === 'fulfilled')
      if (taken.length > 0) {
        await metadata.commit(taken.map(({ key }): Write => ({ type: 'delete', space: SPACE.notification, key })))
      }
      const lost = outcomes.find((outcome) => outcome.status === 'rejected')
      if (lost) failed = lost.reason ?? new Error('not taken')
    }
    return failed
  }

  const deliverRow = async ({ value }: Entry): Promise<void> => {
    // What was stored was encoded above.
    const event = decode(value).json as unknown as QueuedEvent
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
    for (const target of settings?.targets ?? []) pump(target)
  }

  return {
    writes,
    testWrite: (bucket, subscription, asker) => queued(bucket, subscription, undefined, asker),
    wake,
    start: () => {
      started = true
      wake()
    },
    close: async () => {
      stop.abort()
      await Promise.all(running.values())
    },
  }
}

function told({ versioning }: Bucket, { versionId, ...event }: ObjectEvent): ObjectEvent {
  return versioning === undefined || versionId === undefined ? event : { ...event, versionId }
}

/** Events of one target lie together, in the order in which they happened. */
const prefixOf = (target: string): Buffer => Buffer.from(`${target}\0`, 'utf8')
