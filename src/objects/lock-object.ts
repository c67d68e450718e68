import type { BucketKeys } from './bucket-keys.ts'
import { changeProperties } from './change-properties.ts'
import type { Engine } from './engine.ts'
import type { VersionTarget } from './find-version.ts'
import { assertHasObjectLock, changedRetention, type Retention } from './object-lock.ts'
import type { ObjectLock, ObjectProperties } from './object-properties.ts'

export interface RetentionChange extends VersionTarget {
  /** Undefined: none any more. */
  readonly retention: Retention | undefined
  /** Whoever asks may, and said so. */
  readonly bypassGovernance: boolean
}

/** Throws ObjectLockMissing, ObjectLocked, InvalidRetention, NoSuchKey, NoSuchVersion, DeleteMarker. */
export async function setRetention(
  engine: Engine,
  keys: BucketKeys,
  { retention, bypassGovernance, ...target }: RetentionChange,
): Promise<void> {
  assertHasObjectLock(engine, target.bucket)
  const change = (lock: ObjectLock | undefined) =>
    changedRetention(lock, retention, { nowMs: engine.clock.now(), bypassGovernance })
  await changeProperties(engine, keys, target, (now) => withLock(now, change(now.lock)))
}

/** Throws ObjectLockMissing, NoSuchKey, NoSuchVersion, DeleteMarker. */
export async function setLegalHold(
  engine: Engine,
  keys: BucketKeys,
  { legalHold, ...target }: VersionTarget & { readonly legalHold: boolean },
): Promise<void> {
  assertHasObjectLock(engine, target.bucket)
  await changeProperties(engine, keys, target, (now) => withLock(now, { ...now.lock, legalHold }))
}

function withLock({ lock: _, ...rest }: ObjectProperties, lock: ObjectLock | undefined): ObjectProperties {
  return lock ? { ...rest, lock } : rest
}
