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
import { mayKeep } from '../object-lock.ts'
import type { ObjectProperties } from '../object-properties.ts'
import { putObject } from '../put-object.ts'
import { isMarker } from '../records.ts'
import { tagsOf } from '../seal-properties.ts'
import { abortUpload, createUpload, findUpload, uploadPart } from '../uploads.ts'
import type { ReplicationDestination } from './configuration.ts'
import { type PartToSend, partsToSend } from './parts.ts'
import { changeOf } from './replica-change.ts'
import type { RequireUse, Written } from './rights.ts'
import type { Replica, ReplicationTarget } from './target.ts'

/** Replicas in other buckets of this store, which are written as far as whoever ordered them may do what a request would. */
export function replicationHere(engine: Engine, keys: BucketKeys, require: RequireUse): ReplicationTarget {
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
      const encrypting = encryptingAt(replica, to)
      const of = { bucket, key, ...attributesOf(replica), properties, encrypting }
      await require({ bucket: bucket.name, key, ...putOf(bucket, replica, to, encrypting) })
      if (encrypting.rootKey?.encryption === 'customer-managed') {
        await require({ bucket: bucket.name, rootKeyCrn: encrypting.rootKey.rootKeyCrn })
      }
      return parts ? putParts(engine, keys, replica, of, parts) : putWhole(engine, keys, replica, of)
    },
    putMarker: async ({ key, ...replica }, to) => {
      const bucket = bucketOf(to)
      await require({ bucket: bucket.name, key, does: 'DeleteObject', replica })
      await deleteObject(engine, keys, { bucket, key, conditions: {}, replica })
    },
    change: async (versionId, replica, to) => {
      const bucket = bucketOf(to)
      const { key } = replica
      const source = { ...replica, versionId, isSameAccount: replica.account === accountOf(bucket) }
      const after = (now: ObjectProperties) =>
        changeOf(now, { ...source, nowMs: engine.clock.now() }, mayKeep(engine, bucket))
      const required = new Set<string>()
      const requireAll = async (writes: readonly Written[]): Promise<void> => {
        for (const write of writes) {
          await require({ bucket: bucket.name, key, ...write })
          required.add(JSON.stringify(write))
        }
      }
      try {
        const found = await findVersion(engine, { bucket, key, versionId })
        if (!found || isMarker(found.record)) return false
        const tags = await tagsOf(keys, bucket, key, found.record)
        await requireAll(after({ ...found.record.properties, tags }).writes)
        await changeProperties(engine, keys, { bucket, key, versionId }, (now) => {
          const { properties, writes } = after(now)
          if (writes.length === 0) return now
          if (writes.every((write) => required.has(JSON.stringify(write)))) return properties
          throw new ObjectsError('BucketBusy', 'the replica changed at the same time')
        })
      } catch (error) {
        if (!hasCode<ObjectsErrorCode>(error, 'NoSuchVersion')) throw error
      }
      // The replica itself knows what its source made of it.
      return replica.lock?.legalHold === true
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

/** What is written then: what lies under the bucket's own key is not as the source has it. */
function putOf(
  { encryption, rootKeyCrn }: Bucket,
  { tags, lock, versionId, modifiedAtMs, manifest: { headers }, ...replica }: Replica,
  { storageClass = replica.storageClass }: ReplicationDestination,
  { asked }: Encrypting,
): Written {
  const own = encryption === 'customer-managed'
  return {
    ...{ does: 'PutObject', replica: { versionId, modifiedAtMs }, headers, tags, lock, storageClass },
    algorithm: asked?.algorithm ?? (own ? 'aws:kms' : 'AES256'),
    keyName: asked ? asked.keyName : own ? rootKeyCrn : undefined,
    rootKeyCrn: asked?.rootKeyCrn ?? rootKeyCrn,
  }
}

const accountOf = ({ serviceInstanceCrn }: Bucket): string => parseCrn(serviceInstanceCrn).account
const refused = (message: string): ObjectsError => new ObjectsError('ReplicaRefused', message)
