import type { Clock } from '../../base/clock.ts'
import type { MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import type { Documents } from '../bucket-documents.ts'
import type { Bucket } from '../buckets.ts'
import type { Asker } from '../data-key-audit.ts'
import { SPACE } from '../keyspace.ts'
import { latestOf } from '../outbox/latest.ts'
import { type Outbox, openOutbox } from '../outbox/outbox.ts'
import { notificationsFrom, type Subscription, wants } from './configuration.ts'
import type { ObjectEvent, ObjectEventName, QueuedEvent } from './event.ts'
import { openSequencers } from './sequencers.ts'

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
  /** For the commit that makes them so, once in it; `wake` after it. */
  readonly writes: (bucket: Bucket, asker: Asker, ...events: readonly ObjectEvent[]) => readonly Write[]
  /** That a subscription was made. */
  readonly testWrite: (bucket: Bucket, subscription: Subscription, asker: Asker) => Write
  readonly wake: () => void
  readonly figures: Outbox<never>['figures']
  /** Starts what earlier runs left. Before it nothing is delivered. */
  readonly start: () => void
  readonly close: () => Promise<void>
}

export async function openNotifications(options: {
  readonly metadata: MetadataStore
  readonly documents: Pick<Documents, 'get'>
  readonly clock: Clock
  readonly settings: NotificationOptions | undefined
  /** Of sequencers, that all threads share which store events. */
  readonly sequencerMemory?: SharedArrayBuffer | undefined
  readonly onError: (error: unknown) => void
}): Promise<Notifications> {
  const { metadata, documents, clock, settings, sequencerMemory, onError } = options
  const targets = settings?.targets ?? []
  const space = SPACE.notification
  const sequencers = await openSequencers(metadata, clock, sequencerMemory)
  const outbox = openOutbox<QueuedEvent>({
    ...{ metadata, clock, onError, space, targets, retryMs: settings?.retryMs },
    latestMs: await latestOf(metadata, space, targets),
    subject: ({ bucket, event, sequencer }) => ({ bucket: bucket.name, key: event?.key, id: sequencer }),
    deliver: async (event) => settings?.deliver(event),
    words: { target: 'the notification target', message: 'an event', messages: 'events' },
  })

  const queued = (
    bucket: Bucket,
    { id, target }: Subscription,
    event: ObjectEvent | undefined,
    asker: Asker,
  ): Write => {
    const value: QueuedEvent = {
      ...{ target, subscription: id, bucket: { name: bucket.name, ownerId: bucket.ownerId } },
      ...{ timeMs: clock.now(), event },
      sequencer: sequencers.next(),
      ...{ iamId: asker.iamId, requestId: asker.requestId ?? '', sourceIp: asker.sourceIp ?? '' },
      ...(asker.traceparent === undefined ? {} : { traceparent: asker.traceparent }),
    }
    return outbox.write(value, value.sequencer)
  }

  const wanting = (bucket: Bucket, name: ObjectEventName, key: string): readonly Subscription[] => {
    const subscriptions = notificationsFrom(documents.get(bucket, 'notification'))?.subscriptions ?? []
    // What nobody would fetch is not stored: a target that is not set up any more is told nothing.
    return subscriptions.filter((one) => targets.includes(one.target) && wants(one, name, key))
  }

  return {
    isWanted: (bucket, name, key) => wanting(bucket, name, key).length > 0,
    writes: (bucket, asker, ...events) => {
      const writes = events.flatMap((event) =>
        wanting(bucket, event.name, event.key).map((one) => queued(bucket, one, told(bucket, event), asker)),
      )
      return writes.length > 0 ? [...writes, sequencers.write()] : []
    },
    testWrite: (bucket, subscription, asker) => queued(bucket, subscription, undefined, asker),
    wake: outbox.wake,
    figures: outbox.figures,
    start: outbox.start,
    close: outbox.close,
  }
}

function told({ versioning }: Bucket, { versionId, ...event }: ObjectEvent): ObjectEvent {
  return versioning === undefined || versionId === undefined ? event : { ...event, versionId }
}
