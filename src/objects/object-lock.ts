import type { Clock } from '../base/clock.ts'
import type { BucketDocuments, Json } from './bucket-document.ts'
import type { Documents } from './bucket-documents.ts'
import type { Bucket } from './buckets.ts'
import { ObjectsError } from './errors.ts'
import type { ObjectLock, PlainProperties } from './object-properties.ts'
import { checkPeriod, isProtected, isProtection, protectionOf, requireProtection, withPeriod } from './protection.ts'
import { objectOf } from './record-codec.ts'
import type { VersionRecord } from './records.ts'

export type RetentionMode = NonNullable<ObjectLock['mode']>

/** The document of a bucket with Object Lock, which never goes: the retention of what is new and says nothing of it. */
export type LockDocument = {
  readonly mode?: RetentionMode
  /** One of the two goes with a mode. A year has 365 days. */
  readonly days?: number
  readonly years?: number
}

export interface Retention {
  readonly mode: RetentionMode
  readonly untilMs: number
}

interface Locking {
  readonly documents: Pick<Documents, 'get'>
  readonly clock: Clock
}

const DAY_MS = 86_400_000

/** Of a bucket that is made with them. */
export const keepsVersions = ({ objectLock, protection }: BucketDocuments): boolean =>
  objectLock !== undefined || protection !== undefined

/** Versions of the bucket may be kept from removal. */
export const mayKeep = (engine: Pick<Locking, 'documents'>, bucket: Pick<Bucket, 'id'>): boolean =>
  hasObjectLock(engine, bucket) || protectionOf(engine, bucket) !== undefined

const hasObjectLock = ({ documents }: Pick<Locking, 'documents'>, bucket: Pick<Bucket, 'id'>): boolean =>
  documents.get(bucket, 'objectLock') !== undefined

/** Nothing permanently removes, or replaces, what is retained or held. */
export const isKept = (record: VersionRecord, nowMs: number): boolean =>
  'properties' in record && isLocked(record.properties.lock, nowMs)

const isRetained = (lock: ObjectLock | undefined, nowMs: number): boolean => (lock?.retainUntilMs ?? 0) > nowMs
const isLocked = (lock: ObjectLock | undefined, nowMs: number): boolean =>
  lock?.legalHold === true || isRetained(lock, nowMs) || isProtected(lock)

/** Of versions that would go with a commit. Throws ObjectLocked. `bypassGovernance`: whoever asks may, and said so. */
export function assertRemovable(records: readonly VersionRecord[], nowMs: number, bypassGovernance = false): void {
  for (const record of records) {
    if (!isKept(record, nowMs)) continue
    const lock = 'properties' in record ? record.properties.lock : undefined
    if (bypassGovernance && lock?.legalHold !== true && !isProtected(lock) && lock?.mode === 'GOVERNANCE') continue
    throw new ObjectsError('ObjectLocked', 'The object is retained, or held.')
  }
}

/** Of what is about to be written. Throws ObjectLockMissing, InvalidProtection, and InvalidRetention for what would have ended already. */
export function checkNewLock(
  engine: Locking,
  bucket: Pick<Bucket, 'id'>,
  { lock }: Pick<PlainProperties, 'lock'> = {},
): void {
  if (!lock) return
  if (isProtection(lock)) {
    const protection = requireProtection(engine, bucket)
    checkPeriod(protection, withPeriod(protection, lock, engine.clock.now()).periodSeconds)
    return
  }
  assertHasObjectLock(engine, bucket)
  if (lock.retainUntilMs !== undefined) assertFuture(lock.retainUntilMs, engine.clock.now())
}

export function assertHasObjectLock(engine: Pick<Locking, 'documents'>, bucket: Pick<Bucket, 'id'>): void {
  if (hasObjectLock(engine, bucket)) return
  throw new ObjectsError('ObjectLockMissing', 'Bucket is missing Object Lock Configuration')
}

function assertFuture(untilMs: number, nowMs: number): void {
  if (untilMs <= nowMs) throw new ObjectsError('InvalidRetention', 'The retain until date must be in the future!')
}

/** At its commit: the retention that the bucket gives to what was given none. */
export function withDefaultLock<Properties extends Pick<PlainProperties, 'lock'>>(
  { documents }: Pick<Locking, 'documents'>,
  bucket: Pick<Bucket, 'id'>,
  properties: Properties,
  createdAtMs: number,
): Properties {
  const protection = protectionOf({ documents }, bucket)
  if (protection) return { ...properties, lock: withPeriod(protection, properties.lock, createdAtMs) }
  if (properties.lock?.mode !== undefined) return properties
  const retention = defaultRetention(documents.get(bucket, 'objectLock'))
  if (!retention) return properties
  const { mode, days } = retention
  return { ...properties, lock: { ...properties.lock, mode, retainUntilMs: createdAtMs + days * DAY_MS } }
}

/** How long what is new is retained; undefined where the bucket says nothing of it. */
function defaultRetention(
  document: Json | undefined,
): { readonly mode: RetentionMode; readonly days: number } | undefined {
  if (document === undefined) return undefined
  const { mode, days, years } = objectOf(document)
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') return undefined
  return { mode, days: years === undefined ? Number(days) : Number(years) * 365 }
}

/**
 * Another retention in place of the one that there is; undefined takes it away. What makes it weaker needs
 * `bypassGovernance` while it is under governance, and is refused under compliance. Throws ObjectLocked, InvalidRetention.
 */
export function changedRetention(
  lock: ObjectLock | undefined,
  next: Retention | undefined,
  { nowMs, bypassGovernance }: { readonly nowMs: number; readonly bypassGovernance: boolean },
): ObjectLock | undefined {
  if (next) assertFuture(next.untilMs, nowMs)
  if (isRetained(lock, nowMs) && weakens(lock, next) && !(bypassGovernance && lock?.mode === 'GOVERNANCE')) {
    throw new ObjectsError('ObjectLocked', 'The object is retained.')
  }
  const { mode: _, retainUntilMs: __, ...rest } = lock ?? {}
  if (next) return { ...rest, mode: next.mode, retainUntilMs: next.untilMs }
  return Object.keys(rest).length > 0 ? rest : undefined
}

/** S3: another mode is one, too, that only those may give who may bypass the present one. */
const weakens = (lock: ObjectLock | undefined, next: Retention | undefined): boolean =>
  next?.mode !== lock?.mode || (next?.untilMs ?? 0) < (lock?.retainUntilMs ?? 0)
