import type { Json } from './bucket-document.ts'
import type { Documents } from './bucket-documents.ts'
import type { Bucket } from './buckets.ts'
import { ObjectsError } from './errors.ts'
import type { ObjectLock } from './object-properties.ts'
import { number, objectOf } from './record-codec.ts'

/** IBM's immutable storage: every object of the bucket is retained, for a period that this bounds. Never goes. */
export type ProtectionDocument = {
  readonly minimumDays: number
  readonly defaultDays: number
  readonly maximumDays: number
  /** Objects may be retained for ever. */
  readonly permanent: boolean
}

/** In place of a number of seconds: until a period is given, and for ever. */
export const INDEFINITE = -1
export const PERMANENT = -2

export const MAX_HOLDS = 100
const DAY_SECONDS = 86_400

type Reading = { readonly documents: Pick<Documents, 'get'> }

export function protectionOf({ documents }: Reading, bucket: Pick<Bucket, 'id'>): ProtectionDocument | undefined {
  const document: Json | undefined = documents.get(bucket, 'protection')
  if (document === undefined) return undefined
  const json = objectOf(document)
  return {
    minimumDays: number(json, 'minimumDays'),
    defaultDays: number(json, 'defaultDays'),
    maximumDays: number(json, 'maximumDays'),
    permanent: json['permanent'] === true,
  }
}

/** Throws InvalidProtection. */
export function requireProtection(reading: Reading, bucket: Pick<Bucket, 'id'>): ProtectionDocument {
  const protection = protectionOf(reading, bucket)
  if (!protection) throw invalid('The bucket has no protection configuration.')
  return protection
}

/** It speaks of a period or of holds by their ids, and not of Object Lock. */
export const isProtection = (lock: ObjectLock): boolean =>
  lock.periodSeconds !== undefined ||
  lock.holds !== undefined ||
  (lock.mode === undefined && lock.retainUntilMs !== undefined)

/** Nothing else than time, or the removal of holds, lets an object go. */
export const isProtected = (lock: ObjectLock | undefined): boolean =>
  (lock?.holds?.length ?? 0) > 0 || (lock?.periodSeconds ?? 0) < 0

/** Of an object made at that time: both its period and the end of it. The bucket's default where neither is given. */
export function withPeriod(
  { defaultDays }: ProtectionDocument,
  lock: ObjectLock | undefined,
  createdAtMs: number,
): ObjectLock & { readonly periodSeconds: number } {
  const { retainUntilMs, periodSeconds, ...rest } = lock ?? {}
  const period =
    periodSeconds ?? (retainUntilMs === undefined ? defaultDays * DAY_SECONDS : secondsTo(retainUntilMs, createdAtMs))
  if (period < 0) return { ...rest, periodSeconds: period, ...(retainUntilMs === undefined ? {} : { retainUntilMs }) }
  return { ...rest, periodSeconds: period, retainUntilMs: retainUntilMs ?? createdAtMs + period * 1000 }
}

const secondsTo = (untilMs: number, fromMs: number): number => Math.max(Math.ceil((untilMs - fromMs) / 1000), 0)

/** Throws InvalidProtection for a period that the bucket does not allow. */
export function checkPeriod({ minimumDays, maximumDays, permanent }: ProtectionDocument, periodSeconds: number): void {
  if (periodSeconds === INDEFINITE) return
  if (periodSeconds === PERMANENT) {
    if (permanent) return
    throw invalid('Permanent retention is not enabled on the bucket.')
  }
  if (periodSeconds < minimumDays * DAY_SECONDS || periodSeconds > maximumDays * DAY_SECONDS) {
    throw invalid('The retention period is not within the bounds of the bucket.')
  }
}

/** What clients are told of it: while it has no end, not the earliest that it may be given. */
export const endOf = ({ periodSeconds = 0, retainUntilMs }: ObjectLock): number | undefined =>
  periodSeconds < 0 ? undefined : retainUntilMs

/** How a retention is made longer: by one of the four. */
export type Extension =
  | { readonly additionalSeconds: number }
  | { readonly fromNowSeconds: number }
  | { readonly periodSeconds: number }
  | { readonly untilMs: number }

/** Throws InvalidProtection for what would make it shorter, and for what the bucket does not allow. What gets no end keeps the one it had as the earliest that it may be given. */
export function extended(
  protection: ProtectionDocument,
  lock: ObjectLock | undefined,
  by: Extension,
  { createdAtMs, nowMs }: { readonly createdAtMs: number; readonly nowMs: number },
): ObjectLock {
  const before = withPeriod({ ...protection, defaultDays: 0 }, lock, createdAtMs)
  const { retainUntilMs: _, periodSeconds, ...rest } = before
  const wanted = withPeriod(protection, { ...rest, ...target(before, by, nowMs) }, createdAtMs)
  const endless = wanted.periodSeconds < 0
  const shorter = periodSeconds === PERMANENT || (!endless && (wanted.retainUntilMs ?? 0) < (before.retainUntilMs ?? 0))
  if (shorter) throw invalid('A retention can be made longer only.')
  // The bucket's minimum may have grown since; what had no end yet was not held to it.
  const minimumDays = periodSeconds === INDEFINITE ? protection.minimumDays : 0
  checkPeriod({ ...protection, minimumDays }, wanted.periodSeconds)
  return endless && before.retainUntilMs !== undefined ? { ...wanted, retainUntilMs: before.retainUntilMs } : wanted
}

/** What the end of an upload says beside its beginning: it adds holds, and makes a retention longer. Throws InvalidProtection. */
export function withMore(
  protection: ProtectionDocument,
  began: ObjectLock | undefined,
  more: ObjectLock,
  nowMs: number,
): ObjectLock {
  const { holds: held = [], ...rest } = began ?? {}
  const others = (more.holds ?? []).filter(({ id }) => !held.some((hold) => hold.id === id))
  const holds = [...held, ...others]
  const lock = holds.length > 0 ? { ...rest, holds } : rest
  const { periodSeconds, retainUntilMs } = more
  if (periodSeconds === undefined && retainUntilMs === undefined) return lock
  if (rest.periodSeconds === undefined && rest.retainUntilMs === undefined) {
    return { ...lock, periodSeconds, retainUntilMs }
  }
  const by = retainUntilMs === undefined ? { periodSeconds: periodSeconds ?? 0 } : { untilMs: retainUntilMs }
  return extended(protection, lock, by, { createdAtMs: nowMs, nowMs })
}

function target(
  { retainUntilMs, periodSeconds }: ObjectLock,
  by: Extension,
  nowMs: number,
): Pick<ObjectLock, 'retainUntilMs' | 'periodSeconds'> {
  if ('periodSeconds' in by) return { periodSeconds: by.periodSeconds }
  if ('untilMs' in by) return { retainUntilMs: by.untilMs }
  if ('fromNowSeconds' in by) return { retainUntilMs: nowMs + by.fromNowSeconds * 1000 }
  const period = periodSeconds ?? 0
  if (retainUntilMs === undefined || period < 0) {
    throw invalid('The retention has no end that something could be added to.')
  }
  return {
    retainUntilMs: retainUntilMs + by.additionalSeconds * 1000,
    periodSeconds: period + by.additionalSeconds,
  }
}

export const invalid = (message: string): ObjectsError => new ObjectsError('InvalidProtection', message)
