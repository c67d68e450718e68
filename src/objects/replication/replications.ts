import type { Clock } from '../../base/clock.ts'
import type { MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import type { Documents } from '../bucket-documents.ts'
import type { BucketKeys } from '../bucket-keys.ts'
import type { Bucket } from '../buckets.ts'
import type { Asker } from '../data-key-audit.ts'
import { protectionOf } from '../key-slots.ts'
import { SPACE } from '../keyspace.ts'
import type { ObjectLock, ObjectProperties, StoredProperties, Tag } from '../object-properties.ts'
import { latestOf } from '../outbox/latest.ts'
import type { Message } from '../outbox/options.ts'
import { type Outbox, openOutbox } from '../outbox/outbox.ts'
import type { DeleteMarker, ObjectRecord } from '../records.ts'
import { tagsOf } from '../seal-properties.ts'
import type { VersionOrders } from '../version-id.ts'
import { followedBy, nameOf, replicationFrom, rulesFor, rulesForMarker, takes } from './configuration.ts'
import type { ReplicationRights } from './rights.ts'
import { ASPECTS, type Aspect, type Progress, type Replication, withProgress } from './status.ts'
import type { ReplicationTarget } from './target.ts'

export interface ReplicationOptions {
  /** Elsewhere, by the names that configurations have for them. */
  readonly targets: ReadonlyMap<string, ReplicationTarget>
  readonly rights: ReplicationRights
  /** Of the first repetition; each further one waits twice as long, up to five minutes. */
  readonly retryMs?: number
}

/** A version, or a delete marker, on its way: the destination is made to agree with it. */
export interface QueuedVersion extends Message {
  readonly bucket: { readonly id: string; readonly name: string }
  readonly key: string
  readonly versionId: string
  /** Name of the destination. */
  readonly to: string
  readonly sequencer: string
  /** A delete marker. Missing: perhaps, of an earlier release. */
  readonly marker?: true
  /** That the version had, where rules asked for them. */
  readonly tags?: readonly Tag[]
}

/** Who takes versions where they are to go. */
export interface ReplicationDelivery {
  /** Rejects when the version is not there yet: it is tried again. Throws MessageRefused when it says nothing of others. */
  readonly deliver: (sent: QueuedVersion, signal: AbortSignal) => Promise<void>
  /** It is not tried any more. */
  readonly expired: (sent: QueuedVersion) => Promise<void>
  /** It waits for one of its key that is refused. */
  readonly waits: (sent: QueuedVersion) => Promise<void>
}

/**
 * Versions on their way to where buckets replicate them. What is to go is stored in the very commit that makes it, and
 * removed when it is there.
 */
export interface Replications {
  /** Of a version that is about to be committed: what it says of its replication, and writes for that commit; `wake` after it. */
  readonly ofVersion: (
    keys: BucketKeys,
    bucket: Bucket,
    key: string,
    record: Omit<ObjectRecord, 'manifest'>,
  ) => Promise<{ readonly properties: StoredProperties; readonly writes: readonly Write[] }>
  readonly ofMarker: (bucket: Bucket, key: string, marker: DeleteMarker, asker: Asker) => readonly Write[]
  /** Of a version whose tags, or lock, are about to change. */
  readonly ofChange: (
    bucket: Bucket,
    key: string,
    record: ObjectRecord,
    after: ObjectProperties,
    tagsBefore: readonly Tag[],
    asker: Asker,
  ) => { readonly properties: ObjectProperties; readonly writes: readonly Write[] }
  readonly wake: () => void
  readonly figures: Outbox<never>['figures']
  /** Starts what earlier runs left. Before it nothing goes. */
  readonly start: (by: ReplicationDelivery) => void
  readonly close: () => Promise<void>
}

/** The outbox of what stays in this store; no name of the settings has a space. */
const HERE = 'this store'
export const REPLICATION = 'store.replication'
const outboxOf = (destination: string): string =>
  destination.includes(':') ? destination.slice(0, destination.indexOf(':')) : HERE

export async function openReplications(options: {
  readonly metadata: MetadataStore
  readonly documents: Pick<Documents, 'get'>
  readonly orders: VersionOrders
  readonly clock: Clock
  readonly settings: ReplicationOptions | undefined
  readonly onError: (error: unknown) => void
}): Promise<Replications> {
  const { metadata, documents, orders, clock, settings, onError } = options
  const elsewhere = settings?.targets ?? new Map<string, ReplicationTarget>()
  let delivery: ReplicationDelivery | undefined
  const keepsIds = (to: string): boolean => outboxOf(to) === HERE || (elsewhere.get(outboxOf(to))?.keepsIds ?? false)

  const space = SPACE.replication
  const targets = [HERE, ...elsewhere.keys()]
  const outbox = openOutbox<QueuedVersion>({
    ...{ metadata, clock, onError, space, targets, retryMs: settings?.retryMs },
    latestMs: await latestOf(metadata, space, targets),
    subject: ({ bucket, to, key, sequencer, marker = false }) => {
      return { bucket: `${bucket.name} ${to}`, key, id: sequencer, mayComeLate: marker && keepsIds(to) }
    },
    deliver: async (sent, signal) => delivery?.deliver(sent, signal),
    onExpired: async (sent) => delivery?.expired(sent),
    onWait: async (sent) => delivery?.waits(sent),
    words: { target: 'the replication target', message: 'a version', messages: 'versions' },
  })

  const configurationOf = (bucket: Pick<Bucket, 'id'>) => replicationFrom(documents.get(bucket, 'replication'))

  const queued = (
    bucket: Bucket,
    key: string,
    versionId: string,
    to: string,
    more: Pick<QueuedVersion, 'marker' | 'tags'> = {},
  ): Write => {
    const target = outboxOf(to)
    const sequencer = orders.next(0n).toString(16).toUpperCase().padStart(16, '0')
    const of = { bucket: { id: bucket.id, name: bucket.name }, key, versionId, to, sequencer, ...more }
    return outbox.write({ target, timeMs: clock.now(), ...of }, sequencer)
  }
  /** What is not set up any more takes nothing, and nobody would look for what is to go there. */
  const isKnown = (name: string): boolean => outboxOf(name) === HERE || elsewhere.has(outboxOf(name))
  const begun = (names: readonly string[]) =>
    Object.fromEntries(
      names.map((name): [string, Progress] => [name, { status: isKnown(name) ? 'PENDING' : 'FAILED' }]),
    )

  return {
    ofVersion: async (keys, bucket, key, record) => {
      const { properties } = record
      const configuration = configurationOf(bucket)
      if (!configuration) return { properties, writes: [] }
      const { customerKey, algorithm } = protectionOf(bucket, record)
      // Without its customer's key nobody can read it.
      if (customerKey) return { properties, writes: [] }
      let had: { readonly tags?: readonly Tag[] } = {}
      const rules = await rulesFor(configuration, key, async () => {
        const tags = await tagsOf(keys, bucket, key, record)
        had = { tags }
        return tags
      })
      const names = rules
        .filter((rule) => takes(configuration, rule, algorithm))
        .map(({ destination }) => nameOf(destination))
      if (names.length === 0) return { properties, writes: [] }
      return {
        properties: { ...properties, replication: { to: begun(names) } },
        writes: names.filter(isKnown).map((name) => queued(bucket, key, record.versionId, name, had)),
      }
    },
    ofMarker: (bucket, key, { versionId }, { action }) => {
      const configuration = configurationOf(bucket)
      // S3: what rules of a lifecycle delete is not replicated.
      if (!configuration || action === 'store.lifecycle') return []
      const names = rulesForMarker(configuration, key).map(({ destination }) => nameOf(destination))
      return names.filter(isKnown).map((name) => queued(bucket, key, versionId, name, { marker: true }))
    },
    ofChange: (bucket, key, { properties: before, versionId }, after, tagsBefore, { action }) => {
      const configuration = configurationOf(bucket)
      // Where nothing leads any more it stays as it is.
      const isFollowed = (name: string): boolean =>
        configuration !== undefined && followedBy(configuration, name, key) !== undefined
      const names = Object.keys(before.replication?.to ?? {}).filter((name) => isKnown(name) && isFollowed(name))
      const changed = changedAspects({ tags: tagsBefore, lock: before.lock }, after)
      if (names.length === 0 || changed.length === 0 || action === REPLICATION) return { properties: after, writes: [] }
      const again = (now: Replication | undefined, name: string): Replication => {
        const progress = now?.to?.[name]
        const { withdrawn: _, ...rest } = progress ?? {}
        const all = [...(progress ? untold(progress) : []), ...changed]
        const next = { ...rest, status: 'PENDING', changed: ASPECTS.filter((one) => all.includes(one)) } as const
        return withProgress(now, name, next)
      }
      return {
        properties: { ...after, replication: names.reduce(again, before.replication ?? {}) },
        writes: names.map((name) => queued(bucket, key, versionId, name)),
      }
    },
    wake: outbox.wake,
    figures: outbox.figures,
    start: (by) => {
      delivery = by
      outbox.start()
    },
    close: outbox.close,
  }
}

export const sameTags = (a: readonly Tag[], b: readonly Tag[]): boolean =>
  a.length === b.length && a.every(({ key, value }, index) => b[index]?.key === key && b[index]?.value === value)

/** What destinations are told of a version when it changes. */
export interface Told {
  readonly tags?: readonly Tag[] | undefined
  readonly lock?: ObjectLock | undefined
}

const DIFFERS: Readonly<Record<Aspect, (a: Told, b: Told) => boolean>> = {
  tags: (a, b) => !sameTags(a.tags ?? [], b.tags ?? []),
  hold: (a, b) => a.lock?.legalHold !== b.lock?.legalHold,
  retention: (a, b) => a.lock?.mode !== b.lock?.mode || a.lock?.retainUntilMs !== b.lock?.retainUntilMs,
}
export const changedAspects = (a: Told, b: Told): readonly Aspect[] => ASPECTS.filter((one) => DIFFERS[one](a, b))

/** What a destination that has the version does not know of it yet. */
export const untold = ({ status, versionId, changed }: Progress): readonly Aspect[] =>
  changed ?? (versionId === undefined || status === 'COMPLETED' ? [] : ASPECTS)
