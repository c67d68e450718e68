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
import type { ObjectLock, Tag } from '../object-properties.ts'
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
  type QueuedVersion,
  type ReplicationDelivery,
  type ReplicationOptions,
  sameLock,
  sameTags,
} from './replications.ts'
import { type Progress, withProgress } from './status.ts'
import type { ReplicationTarget } from './target.ts'
import { checkUses } from './uses.ts'

/** Makes destinations agree with versions, as configurations have it at that moment. */
export function replicationDelivery(
  engine: Engine,
  keys: BucketKeys,
  settings: ReplicationOptions | undefined,
): ReplicationDelivery {
  const here = replicationHere(engine, keys)
  const targetOf = ({ target }: ReplicationDestination): ReplicationTarget | undefined =>
    target === undefined ? here : settings?.targets.get(target)
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
    algorithm: protectionOf(bucket, record).algorithm,
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
        target = rule && targetOf(rule.destination)
        // What is there does not follow its source any more, and is there all the same.
        if (!configuration || !rule || !target) {
          return await mark(engine, keys, bucket, sent, { status: isThere ? 'COMPLETED' : 'FAILED' })
        }
        const going = isMarker(record) ? undefined : { ...(await goingOf(bucket, key, record)), isThere }
        await checkUses(settings?.rights, configuration, rule.destination, sent, going)
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
  const there = progressOf(record, sent.to)?.versionId
  const lock = presentLock(record.properties.lock, engine.clock.now())
  const tags = await tagsOf(keys, bucket, key, record)
  const told = { tags, lock: record.properties.lock }
  if (there !== undefined) {
    await target.change(there, { key, tags, lock, account: accountOf(bucket) }, to, signal)
    return await mark(engine, keys, bucket, sent, { status: 'COMPLETED', versionId: there }, told)
  }
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
  const made = await target.put(replica, to, signal)
  await mark(engine, keys, bucket, sent, { status: 'COMPLETED', versionId: made }, told)
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

/** What a destination was told that may change. */
interface Told {
  readonly tags: readonly Tag[]
  readonly lock: ObjectLock | undefined
}

/** Says of a version how far it is; of one that is gone, and of a delete marker, nothing. */
async function mark(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  { key, versionId, to }: QueuedVersion,
  progress: Progress,
  told?: Told,
): Promise<void> {
  const found = await findVersion(engine, { bucket, key, versionId })
  if (!found || isMarker(found.record)) return
  const now = progressOf(found.record, to)
  if (now?.status === progress.status && (progress.versionId ?? now.versionId) === now.versionId) return
  try {
    await changeProperties(engine, keys, { bucket, key, versionId }, (properties) => {
      // What has changed meanwhile is on its way.
      const behind = told && !(sameTags(told.tags, properties.tags ?? []) && sameLock(told.lock, properties.lock))
      const next: Progress = behind ? { ...progress, status: 'PENDING' } : progress
      return { ...properties, replication: withProgress(properties.replication, to, { ...now, ...next }) }
    })
  } catch (error) {
    if (!hasCode<ObjectsErrorCode>(error, 'NoSuchVersion', 'NoSuchBucket')) throw error
  }
}
