import { parseCrn } from '../../base/crn.ts'
import { hasCode } from '../../base/errors.ts'
import type { BucketKeys } from '../bucket-keys.ts'
import type { Bucket } from '../buckets.ts'
import type { ByteRange } from '../byte-range.ts'
import { changeProperties } from '../change-properties.ts'
import type { Engine } from '../engine.ts'
import type { ObjectsErrorCode } from '../errors.ts'
import { findVersion } from '../find-version.ts'
import { protectionOf } from '../key-slots.ts'
import type { ObjectLock } from '../object-properties.ts'
import { openObject } from '../open-object.ts'
import { MessageRefused } from '../outbox/options.ts'
import { type DeleteMarker, isMarker, type ObjectRecord } from '../records.ts'
import { tagsOf } from '../seal-properties.ts'
import {
  leadsTo,
  type ReplicationConfiguration,
  type ReplicationDestination,
  type ReplicationRule,
  replicationFrom,
  rulesForMarker,
  ruleTo,
  takes,
} from './configuration.ts'
import { replicationHere } from './here.ts'
import { isRefusal } from './refusals.ts'
import {
  changedAspects,
  type QueuedVersion,
  type ReplicationDelivery,
  type ReplicationOptions,
  type Told,
  untold,
} from './replications.ts'
import type { RequireUse } from './rights.ts'
import { type Progress, withProgress } from './status.ts'
import type { ReplicationTarget } from './target.ts'
import { readingUses, requiring } from './uses.ts'

/** Makes destinations agree with versions, as configurations have it at that moment. */
export function replicationDelivery(
  engine: Engine,
  keys: BucketKeys,
  settings: ReplicationOptions | undefined,
): ReplicationDelivery {
  const targetOf = ({ target }: ReplicationDestination, require: RequireUse): ReplicationTarget | undefined =>
    target === undefined ? replicationHere(engine, keys, require) : settings?.targets.get(target)
  /** What is gone is not replicated any more. */
  const sourceOf = ({ bucket: { id, name } }: QueuedVersion): Bucket | undefined => {
    const bucket = engine.buckets.find(name)
    return bucket?.id === id ? bucket : undefined
  }

  const ruleOf = async (
    configuration: ReplicationConfiguration,
    bucket: Bucket,
    { to, key, tags }: QueuedVersion,
    record: ObjectRecord | DeleteMarker,
    isThere: boolean,
  ): Promise<ReplicationRule | undefined> => {
    if (isMarker(record)) return rulesForMarker(configuration, key).find(leadsTo(to))
    const now = () => tagsOf(keys, bucket, key, record)
    const had = tags ? [async () => tags] : []
    const rule = await ruleTo(configuration, to, key, { tags: [now, ...had], isThere })
    return rule && takes(configuration, rule, protectionOf(bucket, record).algorithm) ? rule : undefined
  }

  const goingOf = async (bucket: Bucket, key: string, record: ObjectRecord) => ({
    tags: await tagsOf(keys, bucket, key, record),
    lock: presentLock(record.properties.lock, engine.clock.now()),
  })

  return {
    deliver: async (sent, signal) => {
      const bucket = sourceOf(sent)
      const { key, versionId } = sent
      const found = bucket && (await findVersion(engine, { bucket, key, versionId }))
      if (!bucket || !found) return
      const { record } = found
      let target: ReplicationTarget | undefined
      try {
        const configuration = replicationFrom(engine.documents.get(bucket, 'replication'))
        const isThere = !isMarker(record) && progressOf(record, sent.to)?.versionId !== undefined
        const rule = configuration && (await ruleOf(configuration, bucket, sent, record, isThere))
        const require = requiring(settings?.rights, configuration ?? {})
        target = rule && targetOf(rule.destination, require)
        // Only what was delivered says COMPLETED: that does, since what was told of here came with something later.
        if (!rule || !target) {
          return await mark(engine, keys, bucket, sent, { status: 'FAILED', withdrawn: true }, { unless: 'COMPLETED' })
        }
        const going = isMarker(record) ? undefined : await goingOf(bucket, key, record)
        for (const use of readingUses(sent, going)) await require(use)
        await send(engine, keys, bucket, sent, record, rule.destination, target, signal)
      } catch (error) {
        if (signal.aborted) throw error
        // It is tried again, and says meanwhile that somebody has to see to it.
        if (!isRefusal(error) && !target?.isRefusal(error)) throw error
        await mark(engine, keys, bucket, sent, { status: 'FAILED' })
        throw new MessageRefused(error)
      }
    },
    expired: async (sent) => {
      const bucket = sourceOf(sent)
      if (bucket) await mark(engine, keys, bucket, sent, { status: 'FAILED' })
    },
    waits: async (sent) => {
      const bucket = sourceOf(sent)
      // What has come meanwhile has come.
      if (bucket) await mark(engine, keys, bucket, sent, { status: 'FAILED' }, { unless: 'COMPLETED' })
    },
  }
}

async function send(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  sent: QueuedVersion,
  record: ObjectRecord | DeleteMarker,
  to: ReplicationDestination,
  target: ReplicationTarget,
  signal: AbortSignal,
): Promise<void> {
  const { key, versionId } = sent
  const { modifiedAtMs } = record
  if (isMarker(record)) return await target.putMarker({ key, versionId, modifiedAtMs }, to, signal)
  const progress = progressOf(record, sent.to)
  const { versionId: there, held = false } = progress ?? {}
  const changed = progress ? untold(progress) : []
  const lock = presentLock(record.properties.lock, engine.clock.now())
  const tags = await tagsOf(keys, bucket, key, record)
  const told = { tags, lock: record.properties.lock }
  const change = async (at: string, wasHeld: boolean): Promise<void> => {
    const now = { key, tags, lock, account: accountOf(bucket), changed, held: wasHeld }
    const isHeld = changed.length > 0 ? await target.change(at, now, to, signal) : wasHeld
    const next: Progress = { status: 'COMPLETED', versionId: at, ...(isHeld ? { held: true } : {}) }
    await mark(engine, keys, bucket, sent, next, { told })
  }
  if (there !== undefined) return await change(there, held)
  using object = await openObject(engine, keys, { bucket, key, versionId })
  const { manifest, properties, protection } = object
  const replica = {
    ...{ key, versionId, modifiedAtMs, manifest, lock, storageClass: properties.storageClass },
    ...{ algorithm: protection.algorithm, tags, account: accountOf(bucket) },
    sealed: async () => {
      const sealed = await object.sealedReplica()
      return { ...sealed, read: (range: ByteRange) => until(signal, sealed.read(range)) }
    },
    read: (range: ByteRange) => until(signal, object.read(range)),
  }
  // What changed before it was known to be there, it may be there without.
  await change(await target.put(replica, to, signal), lock?.legalHold === true)
}

const progressOf = ({ properties }: ObjectRecord, to: string): Progress | undefined => properties.replication?.to?.[to]

const accountOf = ({ serviceInstanceCrn }: Bucket): string => parseCrn(serviceInstanceCrn).account

/** What has ended already is not given to anything new. */
function presentLock(lock: ObjectLock | undefined, nowMs: number): ObjectLock | undefined {
  const { mode, retainUntilMs, legalHold } = lock ?? {}
  const retained = mode !== undefined && retainUntilMs !== undefined && retainUntilMs > nowMs
  if (!retained && legalHold === undefined) return undefined
  return { ...(retained ? { mode, retainUntilMs } : {}), ...(legalHold === undefined ? {} : { legalHold }) }
}

async function* until(signal: AbortSignal, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    signal.throwIfAborted()
    yield chunk
  }
}

/** Says of a version how far it is; of one that is gone, and of a delete marker, nothing. `told`: what its destination knows. */
async function mark(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  { key, versionId, to }: QueuedVersion,
  progress: Progress,
  { told, unless }: { readonly told?: Told; readonly unless?: Progress['status'] } = {},
): Promise<void> {
  const found = await findVersion(engine, { bucket, key, versionId })
  if (!found || isMarker(found.record)) return
  const after = ({ withdrawn: _, ...now }: Partial<Progress>, properties: Told): Progress => {
    if (!told) return { ...now, ...progress }
    // What has changed meanwhile is on its way.
    const changed = changedAspects(told, properties)
    return changed.length > 0 ? { ...progress, status: 'PENDING', changed } : progress
  }
  const isSaid = (now: Progress | undefined): boolean => {
    const isKnown = !told || (now?.changed === undefined && now?.held === progress.held)
    const isSame = now?.status === progress.status && now.withdrawn === progress.withdrawn
    return isSame && (progress.versionId ?? now.versionId) === now.versionId && isKnown
  }
  const now = progressOf(found.record, to)
  if (isSaid(now) || (now && now.status === unless)) return
  try {
    await changeProperties(engine, keys, { bucket, key, versionId }, (properties) => {
      const before = properties.replication?.to?.[to]
      if (before && before.status === unless) return properties
      return { ...properties, replication: withProgress(properties.replication, to, after(before ?? {}, properties)) }
    })
  } catch (error) {
    if (!hasCode<ObjectsErrorCode>(error, 'NoSuchVersion', 'NoSuchBucket')) throw error
  }
}
