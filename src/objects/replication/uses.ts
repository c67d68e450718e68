import type { Algorithm } from '../encrypting.ts'
import { ObjectsError } from '../errors.ts'
import type { ObjectLock, Tag } from '../object-properties.ts'
import type { ReplicationConfiguration, ReplicationDestination } from './configuration.ts'
import type { QueuedVersion } from './replications.ts'
import type { ObjectUse, ReplicationRights, ReplicationUse } from './rights.ts'

/** What is to go. */
export interface Going {
  readonly tags: readonly Tag[]
  readonly lock: ObjectLock | undefined
  readonly algorithm: Algorithm
  /** Only what may change of it goes. */
  readonly isThere: boolean
}

/** Throws ReplicaRefused when whoever had it replicated may not have it so, as rights and policies are now, and NoSuchBucket. `going`: a delete marker when undefined. */
export async function checkUses(
  rights: ReplicationRights | undefined,
  { orderedBy }: ReplicationConfiguration,
  to: ReplicationDestination,
  sent: QueuedVersion,
  going: Going | undefined,
): Promise<void> {
  for (const use of usesOf(to, sent, going)) {
    if (orderedBy !== undefined && (await rights?.(orderedBy, use))) continue
    const what = 'action' in use ? use.action : `use the key ${use.rootKeyCrn}`
    throw new ObjectsError('ReplicaRefused', `who had it replicated may not ${what}`)
  }
}

function usesOf(
  to: ReplicationDestination,
  { bucket, key, versionId }: QueuedVersion,
  going: Going | undefined,
): readonly ReplicationUse[] {
  const read = (name: string, must: ObjectUse['must'] = 'be undenied'): ObjectUse => {
    return { action: `s3:${name}`, must, bucket: bucket.name, key, versionId }
  }
  const reads = [
    read('GetObjectVersionForReplication', 'be allowed'),
    ...(going ? readingOf(going) : []).map((name) => read(name)),
  ]
  // Elsewhere the credentials of the operator decide.
  if (to.target !== undefined) return reads
  const said = going && { said: saidOf(going, to), requestTags: going.tags }
  const write = (name: string, must: ObjectUse['must'] = 'be undenied'): ObjectUse => {
    return { action: `s3:${name}`, must, bucket: to.bucket, key, ...said }
  }
  const written = going ? 'ReplicateObject' : 'ReplicateDelete'
  const writes = [
    write(written, 'be allowed'),
    ...(going ? writingOf(going) : ['DeleteObject']).map((name) => write(name)),
  ]
  const isWrapped = going && !going.isThere && going.algorithm !== 'AES256' && to.encryption === 'customer-managed'
  const keys = isWrapped && to.rootKeyCrn !== undefined ? [{ rootKeyCrn: to.rootKeyCrn, bucket: to.bucket }] : []
  return [...reads, ...writes, ...keys]
}

const readingOf = ({ tags, lock }: Going): readonly string[] => [
  ...['GetObject', 'GetObjectVersion'],
  ...(tags.length > 0 ? ['GetObjectTagging', 'GetObjectVersionTagging'] : []),
  ...(lock?.mode === undefined ? [] : ['GetObjectRetention']),
  ...(lock?.legalHold === undefined ? [] : ['GetObjectLegalHold']),
]

const writingOf = ({ tags, lock, isThere }: Going): readonly string[] => [
  ...(isThere ? [] : ['PutObject']),
  ...(tags.length > 0 || isThere ? ['ReplicateTags'] : []),
  ...(tags.length > 0 ? ['PutObjectTagging'] : []),
  ...(lock?.mode === undefined ? [] : ['PutObjectRetention']),
  ...(lock?.legalHold === undefined ? [] : ['PutObjectLegalHold']),
]

/** As if it was put with headers. */
function saidOf({ algorithm, lock }: Going, { keyName, storageClass }: ReplicationDestination) {
  const { mode, retainUntilMs, legalHold } = lock ?? {}
  const isNamed = algorithm !== 'AES256' && keyName !== undefined
  return {
    'x-amz-server-side-encryption': algorithm,
    ...(isNamed ? { 'x-amz-server-side-encryption-aws-kms-key-id': keyName } : {}),
    ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }),
    ...(mode === undefined || retainUntilMs === undefined
      ? {}
      : {
          'x-amz-object-lock-mode': mode,
          'x-amz-object-lock-retain-until-date': new Date(retainUntilMs).toISOString(),
        }),
    ...(legalHold === undefined ? {} : { 'x-amz-object-lock-legal-hold': legalHold ? 'ON' : 'OFF' }),
  }
}
