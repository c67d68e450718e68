import type { LifecycleRule } from './rule.ts'

export const CALENDAR_DAY_MS = 86_400_000

/** A date has four digits for its year. */
const END_OF_DATES_MS = Date.UTC(9999, 11, 31)

/** S3: so many days after it happened, at the next midnight UTC. A day of another length, which tests have, ends when it ends. */
export function dueAfter(sinceMs: number, days: number, dayMs: number): number {
  const endMs = Math.min(sinceMs + days * dayMs, END_OF_DATES_MS)
  return dayMs === CALENDAR_DAY_MS ? Math.ceil(endMs / dayMs) * dayMs : endMs
}

export interface Due {
  readonly rule: LifecycleRule
  readonly atMs: number
}

/** When an object that is the current version expires, and by which rule: the first that comes. */
export function expirationDue(
  rules: readonly LifecycleRule[],
  modifiedAtMs: number,
  dayMs: number = CALENDAR_DAY_MS,
): Due | undefined {
  return earliest(
    rules.flatMap((rule): Due[] => {
      const { days, dateMs } = rule.expiration ?? {}
      if (days !== undefined) return [{ rule, atMs: dueAfter(modifiedAtMs, days, dayMs) }]
      return dateMs === undefined ? [] : [{ rule, atMs: dateMs }]
    }),
  )
}

/** When a version that has not been current since then expires; `newerVersions` of those that are not are newer than it. */
export function noncurrentDue(
  rules: readonly LifecycleRule[],
  sinceMs: number,
  newerVersions: number,
  dayMs: number,
): Due | undefined {
  return earliest(
    rules.flatMap((rule): Due[] => {
      const { noncurrentExpiration: action } = rule
      if (!action || newerVersions < (action.newerVersions ?? 0)) return []
      return [{ rule, atMs: dueAfter(sinceMs, action.days, dayMs) }]
    }),
  )
}

/** Rules that ask for tags or sizes have no such action. */
export function abortDue(
  rules: readonly LifecycleRule[],
  createdAtMs: number,
  dayMs: number = CALENDAR_DAY_MS,
): Due | undefined {
  return earliest(
    rules.flatMap((rule): Due[] =>
      rule.abortUploadDays === undefined ? [] : [{ rule, atMs: dueAfter(createdAtMs, rule.abortUploadDays, dayMs) }],
    ),
  )
}

function earliest(dues: readonly Due[]): Due | undefined {
  let first: Due | undefined
  for (const due of dues) if (!first || due.atMs < first.atMs) first = due
  return first
}
