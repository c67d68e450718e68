import type { BucketKeys } from './bucket-keys.ts'
import { changeProperties } from './change-properties.ts'
import type { Engine } from './engine.ts'
import type { ChangeTarget } from './find-version.ts'
import { assertHasObjectLock, changedRetention, type Retention } from './object-lock.ts'
import type { ObjectLock, ObjectProperties } from './object-properties.ts'
import { type Extension, extended, invalid, MAX_HOLDS, requireProtection } from './protection.ts'

export interface RetentionChange extends ChangeTarget {
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
  { legalHold, ...target }: ChangeTarget & { readonly legalHold: boolean },
): Promise<void> {
  assertHasObjectLock(engine, target.bucket)
  await changeProperties(engine, keys, target, (now) => withLock(now, { ...now.lock, legalHold }))
}

/** Of a replica: from now on the lock is its own, and no more what its source made of it, be it the same. */
function withLock({ lock: _, replication, ...rest }: ObjectProperties, lock: ObjectLock | undefined): ObjectProperties {
  const { lock: __, ...own } = replication ?? {}
  return { ...rest, ...(replication ? { replication: own } : {}), ...(lock ? { lock } : {}) }
}

/** Throws InvalidProtection, NoSuchKey. */
export async function extendRetention(
  engine: Engine,
  keys: BucketKeys,
  { by, ...target }: ChangeTarget & { readonly by: Extension },
): Promise<void> {
  const protection = requireProtection(engine, target.bucket)
  await changeProperties(engine, keys, target, (now, { modifiedAtMs: createdAtMs }) =>
    withLock(now, extended(protection, now.lock, by, { createdAtMs, nowMs: engine.clock.now() })),
  )
}

/** Adding one that there is, and removing one that there is not, change nothing. Throws InvalidProtection, NoSuchKey. */
export async function changeHold(
  engine: Engine,
  keys: BucketKeys,
  { id, act, ...target }: ChangeTarget & { readonly id: string; readonly act: 'add' | 'remove' },
): Promise<void> {
  requireProtection(engine, target.bucket)
  await changeProperties(engine, keys, target, (now) => {
    const { holds: before = [], ...rest } = now.lock ?? {}
    const others = before.filter((hold) => hold.id !== id)
    if (act === 'remove') return withLock(now, { ...rest, ...(others.length > 0 ? { holds: others } : {}) })
    if (others.length < before.length) return now
    if (before.length >= MAX_HOLDS) throw invalid(`An object has at most ${MAX_HOLDS} legal holds.`)
    return withLock(now, { ...rest, holds: [...before, { id, atMs: engine.clock.now() }] })
  })
}
