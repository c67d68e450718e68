import type { ObjectProperties } from '../object-properties.ts'
import { heldAs, type LockSource, retainedAs } from './replica-lock.ts'
import { sameTags } from './replications.ts'
import type { Written } from './rights.ts'
import type { ReplicaChange } from './target.ts'

/** What a replica becomes when its source has changed, and what is written for it. */
export interface ChangedReplica {
  readonly properties: ObjectProperties
  readonly writes: readonly Written[]
}

/** `mayKeep`: its bucket takes locks. */
export function changeOf(
  now: ObjectProperties,
  source: LockSource & Pick<ReplicaChange, 'tags' | 'changed'>,
  mayKeep: boolean,
): ChangedReplica {
  const { tags, changed, versionId } = source
  let properties = now
  const writes: Written[] = []
  if (changed.includes('tags') && !sameTags(now.tags ?? [], tags)) {
    const { tags: _, ...rest } = properties
    properties = tags.length > 0 ? { ...rest, tags } : rest
    writes.push(
      tags.length > 0 ? { does: 'PutObjectTagging', versionId, tags } : { does: 'DeleteObjectTagging', versionId },
    )
  }
  for (const [aspect, lockedAs] of LOCKS) {
    if (!mayKeep || !changed.includes(aspect)) continue
    const change = lockedAs(properties, source)
    properties = { ...properties, ...change.locked }
    writes.push(...change.writes)
  }
  return { properties, writes }
}

const LOCKS = [
  ['hold', heldAs],
  ['retention', retainedAs],
] as const
