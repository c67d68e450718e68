import { hasCode } from '../../base/errors.ts'
import type { ObjectsErrorCode } from '../errors.ts'
import { changedRetention, type Retention } from '../object-lock.ts'
import type { ObjectLock, PlainProperties } from '../object-properties.ts'
import type { Written } from './rights.ts'

type Locked = Pick<PlainProperties, 'lock' | 'replication'>

/** A replica's lock after a change, and what is written for it; nothing where it stays. */
export interface LockChange {
  readonly locked: Locked
  readonly writes: readonly (Written & { readonly does: 'PutObjectRetention' | 'PutObjectLegalHold' })[]
}

export interface LockSource {
  readonly versionId: string
  readonly lock: ObjectLock | undefined
  readonly isSameAccount: boolean
  readonly nowMs: number
}

/** As its source has it by now: becomes off only in the same account, and only where the source had set it. */
export function heldAs({ lock, replication }: Locked, source: LockSource): LockChange {
  const legalHold = source.lock?.legalHold
  const isHeld = lock?.legalHold === true
  const mayRelease = source.isSameAccount && replication?.lock?.legalHold === true
  if (legalHold === undefined || legalHold === isHeld || !(legalHold || mayRelease)) return nothing
  const { versionId } = source
  return {
    locked: {
      lock: { ...lock, legalHold },
      replication: { ...replication, lock: { ...replication?.lock, legalHold } },
    },
    writes: [{ does: 'PutObjectLegalHold', versionId, legalHold }],
  }
}

/**
 * As its source has it by now. It becomes weaker only in the same account, and only as far as it is what the source made of
 * it, by whoever may bypass governance; compliance never does. What the source makes longer that is not its own does not
 * become its own.
 */
export function retainedAs({ lock, replication }: Locked, source: LockSource): LockChange {
  const { versionId, isSameAccount, nowMs } = source
  const { mode, retainUntilMs: untilMs } = source.lock ?? {}
  if (mode === undefined || untilMs === undefined || untilMs <= nowMs) return nothing
  if (mode === lock?.mode && untilMs === lock.retainUntilMs) return nothing
  const made = replication?.lock
  const isOver = (lock?.retainUntilMs ?? 0) <= nowMs
  const isMade = made?.mode === lock?.mode && made?.retainUntilMs === lock?.retainUntilMs
  const retention = { mode, untilMs }
  for (const bypassGovernance of isSameAccount && isMade ? [false, true] : [false]) {
    const next = changed(lock, retention, { nowMs, bypassGovernance })
    if (!next) continue
    const makes = isMade || isOver
    return {
      locked: {
        lock: next,
        ...(makes ? { replication: { ...replication, lock: { ...made, mode, retainUntilMs: untilMs } } } : {}),
      },
      writes: [{ does: 'PutObjectRetention', versionId, retention, bypassGovernance }],
    }
  }
  return nothing
}

const nothing: LockChange = { locked: {}, writes: [] }

/** Undefined where it would be weaker. */
function changed(
  lock: ObjectLock | undefined,
  to: Retention,
  how: Parameters<typeof changedRetention>[2],
): ObjectLock | undefined {
  try {
    return changedRetention(lock, to, how)
  } catch (error) {
    if (hasCode<ObjectsErrorCode>(error, 'ObjectLocked')) return undefined
    throw error
  }
}
