import type { Entry } from '../../storage/metadata/metadata-store.ts'
import { sameBucket } from '../commit-version.ts'
import { SPACE } from '../keyspace.ts'
import { moveToClass, STANDARD } from '../move-to-class.ts'
import type { ObjectRecord } from '../records.ts'
import type { LifecycleWork } from './act.ts'
import { dueAfter } from './due.ts'
import type { LifecycleRule, TransitionMinimum } from './rule.ts'

export interface Destination {
  readonly rule: LifecycleRule
  readonly storageClass: string
  readonly atMs: number
}

/** Where a current version is to go, of the rules that apply to it: where the last that is due leads. */
export function currentDestination(
  { nowMs, dayMs, transitionMinimum }: LifecycleWork,
  rules: readonly LifecycleRule[],
  { modifiedAtMs, sizeBytes }: ObjectRecord,
): Destination | undefined {
  const all = rules.flatMap((rule) =>
    (rule.transitions ?? [])
      .filter(({ storageClass }) => isLargeEnough(rule, storageClass, sizeBytes, transitionMinimum))
      .map(({ days = 0, dateMs, storageClass }): Destination => {
        return { rule, storageClass, atMs: dateMs ?? dueAfter(modifiedAtMs, days, dayMs) }
      }),
  )
  return lastDue(all, nowMs)
}

/** Of a version that has not been current since then; `newerVersions` of those that are not are newer than it. */
export function noncurrentDestination(
  { nowMs, dayMs, transitionMinimum }: LifecycleWork,
  rules: readonly LifecycleRule[],
  { sizeBytes }: ObjectRecord,
  { sinceMs, newerVersions }: { readonly sinceMs: number; readonly newerVersions: number },
): Destination | undefined {
  const all = rules.flatMap((rule) =>
    (rule.noncurrentTransitions ?? [])
      .filter((one) => newerVersions >= (one.newerVersions ?? 0))
      .filter(({ storageClass }) => isLargeEnough(rule, storageClass, sizeBytes, transitionMinimum))
      .map(({ days, storageClass }) => ({ rule, storageClass, atMs: dueAfter(sinceMs, days, dayMs) })),
  )
  return lastDue(all, nowMs)
}

function lastDue(all: readonly Destination[], nowMs: number): Destination | undefined {
  let last: Destination | undefined
  for (const one of all) if (one.atMs <= nowMs && (!last || one.atMs >= last.atMs)) last = one
  return last
}

const MINIMUM_BYTES = 128 * 1024

/** S3: a filter of sizes takes the place of the minimum. */
function isLargeEnough(
  { filter }: LifecycleRule,
  storageClass: string,
  sizeBytes: number,
  minimum: TransitionMinimum | undefined,
): boolean {
  if (minimum === undefined || sizeBytes >= MINIMUM_BYTES) return true
  if (filter.largerThan !== undefined || filter.smallerThan !== undefined) return true
  return minimum === 'varies_by_storage_class' && (storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE')
}

/** Into the store of its new class, unless it is there. */
export async function moveIfElsewhere(
  work: LifecycleWork,
  { key, row, record }: { readonly key: string; readonly row: Entry; readonly record: ObjectRecord },
  space: typeof SPACE.head | typeof SPACE.version,
  to: Destination | undefined,
): Promise<void> {
  if (!to || to.storageClass === (record.properties.storageClass ?? STANDARD)) return
  const { engine } = work
  if (!(await work.begin())) return
  const bucket = sameBucket(engine, work.bucket)
  const { sizeBytes, versionId } = record
  const { storageClass } = to
  const event = { name: 'LifecycleTransition', key, sizeBytes, versionId, storageClass } as const
  const events = engine.notifications.writes(bucket, work.keys.asker, event)
  const options = { also: events, signal: work.signal, still: work.holds }
  if (!(await moveToClass(engine, bucket, { space, row, record }, storageClass, options))) return
  if (events.length > 0) engine.notifications.wake()
  const version = space === SPACE.version ? { versionId: record.versionId } : {}
  work.did({ action: 'store.lifecycle-transition', key, ...version, sizeBytes, storageClass, rule: to.rule.id })
}
