import { parseCrn } from '../../base/crn.ts'
import { hasCode } from '../../base/errors.ts'
import type { BodyInput } from '../body-writer.ts'
import type { BucketKeys } from '../bucket-keys.ts'
import type { Bucket } from '../buckets.ts'
import { changeProperties } from '../change-properties.ts'
import { completeUpload, type ListedPart } from '../complete-upload.ts'
import { deleteObject } from '../delete-object.ts'
import type { Encrypting } from '../encrypting.ts'
import type { Engine } from '../engine.ts'
import { ObjectsError, type ObjectsErrorCode } from '../errors.ts'
import { findVersion } from '../find-version.ts'
import { changedRetention, mayKeep } from '../object-lock.ts'
import type { ObjectLock, ObjectProperties } from '../object-properties.ts'
import { putObject } from '../put-object.ts'
import { abortUpload, createUpload, findUpload, uploadPart } from '../uploads.ts'
import type { ReplicationDestination } from './configuration.ts'
import { type PartToSend, partsToSend } from './parts.ts'
import type { Replica, ReplicationTarget } from './target.ts'

/** Replicas in other buckets of this store. */
export function replicationHere(engine: Engine, keys: BucketKeys): ReplicationTarget {
  /** The one that was meant, and no other one of its name. */
  const bucketOf = ({ bucket: name, bucketId, account }: ReplicationDestination): Bucket => {
    const bucket = engine.buckets.get(name)
    if (bucket.id !== bucketId) throw refused(`the bucket ${name} is another one than the rule was made for`)
    if (account !== undefined && account !== accountOf(bucket)) {
      throw refused(`the bucket ${name} does not belong to the account ${account}`)
    }
    return bucket
  }

  return {
    keepsIds: true,
    put: async (replica, to) => {
      const bucket = bucketOf(to)
      const { key, versionId } = replica
      if (await findVersion(engine, { bucket, key, versionId })) return versionId
      const parts = partsToSend(replica.manifest, engine.minPartBytes)
      const properties = propertiesAt(engine, bucket, replica, to)
      const of = { bucket, key, ...attributesOf(replica), properties, encrypting: encryptingAt(replica, to) }
      return parts ? putParts(engine, keys, replica, of, parts) : putWhole(engine, keys, replica, of)
    },
    putMarker: async ({ key, ...replica }, to) => {
      await deleteObject(engine, keys, { bucket: bucketOf(to), key, conditions: {}, replica })
    },
    change: async (versionId, { key, tags, lock, account }, to) => {
      const bucket = bucketOf(to)
      try {
        await changeProperties(engine, keys, { bucket, key, versionId }, ({ tags: _, ...now }) => ({
          ...now,
          ...(mayKeep(engine, bucket) ? lockedAs(now, lock, account === accountOf(bucket), engine.clock.now()) : {}),
          ...(tags.length > 0 ? { tags } : {}),
        }))
      } catch (error) {
        if (!hasCode<ObjectsErrorCode>(error, 'NoSuchVersion')) throw error
      }
    },
    isRefusal: () => false,
  }
}

type Place = Omit<Parameters<typeof createUpload>[2], 'checksum' | 'initiator'> & {
  readonly properties: ObjectProperties
}

async function putWhole(engine: Engine, keys: BucketKeys, replica: Replica, of: Place): Promise<string> {
  const { sizeBytes, checksum } = replica.manifest
  const whole = checksum?.type === 'FULL_OBJECT' ? Buffer.from(checksum.value, 'base64') : undefined
  const body: BodyInput = {
    stream: replica.read({ start: 0, end: sizeBytes }),
    lengthBytes: sizeBytes,
    ...(checksum ? { checksum: { algorithm: checksum.algorithm, expected: () => whole } } : {}),
  }
  const { versionId } = await putObject(engine, keys, { ...of, body, conditions: {}, replica })
  return versionId
}

async function putParts(
  engine: Engine,
  keys: BucketKeys,
  replica: Replica,
  of: Place,
  parts: readonly PartToSend[],
): Promise<string> {
  const { bucket, key } = of
  const checksum = replica.manifest.checksum
  const { uploadId } = await createUpload(engine, keys, { ...of, ...(checksum ? { checksum } : {}) })
  try {
    const sent: ListedPart[] = []
    for (const { number, start, end, checksum: sum } of parts) {
      const upload = await findUpload(engine, bucket, key, uploadId)
      const expected = sum === undefined ? undefined : Buffer.from(sum, 'base64')
      const body: BodyInput = {
        stream: replica.read({ start, end }),
        lengthBytes: end - start,
        ...(checksum ? { checksum: { algorithm: checksum.algorithm, expected: () => expected } } : {}),
      }
      const { etag } = await uploadPart(engine, keys, upload, number, body)
      sent.push({ number, etag })
    }
    const done = { bucket, key, uploadId, parts: sent, conditions: {}, replica }
    return (await completeUpload(engine, keys, done)).versionId
  } catch (error) {
    await abortUpload(engine, { bucket, key, uploadId }).catch(() => undefined)
    throw error
  }
}

const attributesOf = ({ manifest: { headers, userMetadata } }: Replica) => ({ attributes: { headers, userMetadata } })

function propertiesAt(engine: Engine, bucket: Bucket, replica: Replica, to: ReplicationDestination): ObjectProperties {
  const { tags, lock } = replica
  const storageClass = to.storageClass ?? replica.storageClass
  if (lock && !mayKeep(engine, bucket)) {
    throw refused('what is retained, or held, cannot go to a bucket without Object Lock')
  }
  return {
    ...(storageClass === undefined || storageClass === 'STANDARD' ? {} : { storageClass }),
    ...(tags.length > 0 ? { tags } : {}),
    ...(lock ? { lock } : {}),
  }
}

/** What lies under a key of a customer's comes under the one that the rule names, or else under the bucket's. */
function encryptingAt({ algorithm }: Replica, { keyName, rootKeyCrn, encryption }: ReplicationDestination): Encrypting {
  if (algorithm === 'AES256' || rootKeyCrn === undefined || encryption === undefined) return {}
  return {
    rootKey: { rootKeyCrn, encryption },
    asked: { algorithm, rootKeyCrn, ...(keyName === undefined ? {} : { keyName }) },
    ...(algorithm === 'aws:kms:dsse' ? { twice: true, bucketKey: false } : {}),
  }
}

const accountOf = ({ serviceInstanceCrn }: Bucket): string => parseCrn(serviceInstanceCrn).account
const refused = (message: string): ObjectsError => new ObjectsError('ReplicaRefused', message)

/**
 * A lock as its source has it by now. It becomes weaker only in the same account, and only as far as it is what the source
 * made of it; compliance never does. What the source makes longer that is not its own does not become its own.
 */
function lockedAs(
  { lock: now, replication }: Pick<ObjectProperties, 'lock' | 'replication'>,
  { mode, retainUntilMs, legalHold }: ObjectLock = {},
  isSameAccount: boolean,
  nowMs: number,
): Pick<ObjectProperties, 'lock' | 'replication'> {
  let lock = now
  let made = replication?.lock
  const isHeld = now?.legalHold === true
  const mayRelease = isSameAccount && made?.legalHold === true
  if (legalHold !== undefined && legalHold !== isHeld && (legalHold || mayRelease)) {
    lock = { ...lock, legalHold }
    made = { ...made, legalHold }
  }
  const isSame = mode === now?.mode && retainUntilMs === now?.retainUntilMs
  if (!isSame && mode !== undefined && retainUntilMs !== undefined && retainUntilMs > nowMs) {
    const isOver = (now?.retainUntilMs ?? 0) <= nowMs
    const isMade = made?.mode === now?.mode && made?.retainUntilMs === now?.retainUntilMs
    const bypassGovernance = isSameAccount && isMade
    const next = retainedAs(lock, { mode, untilMs: retainUntilMs }, { nowMs, bypassGovernance })
    if (next) {
      lock = next
      if (isMade || isOver) made = { ...made, mode, retainUntilMs }
    }
  }
  return { ...(lock ? { lock } : {}), ...(made ? { replication: { ...replication, lock: made } } : {}) }
}

/** Undefined where it would be weaker. */
function retainedAs(lock: ObjectLock | undefined, ...[to, how]: RetentionChange): ObjectLock | undefined {
  try {
    return changedRetention(lock, to, how)
  } catch (error) {
    if (hasCode<ObjectsErrorCode>(error, 'ObjectLocked')) return undefined
    throw error
  }
}
type RetentionChange = readonly [Parameters<typeof changedRetention>[1], Parameters<typeof changedRetention>[2]]
