import { ObjectsError } from '../errors.ts'
import type { ObjectLock, Tag } from '../object-properties.ts'
import type { ReplicationConfiguration } from './configuration.ts'
import type { QueuedVersion } from './replications.ts'
import type { ObjectReading, ReplicationRights, RequireUse } from './rights.ts'

/** What is to go. */
export interface Going {
  readonly tags: readonly Tag[]
  readonly lock: ObjectLock | undefined
}

/** For whoever had it replicated, as rights and policies are now. */
export function requiring(
  rights: ReplicationRights | undefined,
  { orderedBy }: Pick<ReplicationConfiguration, 'orderedBy'>,
): RequireUse {
  return async (use) => {
    if (orderedBy === undefined || !rights) throw refused('nobody knows who had it replicated')
    const what = await rights(orderedBy, use)
    if (what !== undefined) throw refused(`who had it replicated may not ${what}`)
  }
}

const refused = (message: string): ObjectsError => new ObjectsError('ReplicaRefused', message)

/** What it takes to read what goes; a delete marker when undefined. What is written the target asks for. */
export function readingUses(
  { bucket, key, versionId }: QueuedVersion,
  going: Going | undefined,
): readonly ObjectReading[] {
  const names = ['GetObjectVersionForReplication', ...(going ? readingOf(going) : [])]
  return names.map((name) => ({ action: `s3:${name}`, bucket: bucket.name, key, versionId }))
}

const readingOf = ({ tags, lock }: Going): readonly string[] => [
  ...['GetObject', 'GetObjectVersion'],
  ...(tags.length > 0 ? ['GetObjectTagging', 'GetObjectVersionTagging'] : []),
  ...(lock?.mode === undefined ? [] : ['GetObjectRetention']),
  ...(lock?.legalHold === undefined ? [] : ['GetObjectLegalHold']),
]
