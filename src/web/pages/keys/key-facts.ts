import type { RootKey } from '../../client/key-protect.ts'
import type { Tone } from '../../parts/chip.tsx'

const DAY_MS = 86_400_000
/** Key Protect's month of a rotation policy. */
const MONTH_MS = 30 * DAY_MS
const SOON_DAYS = 14

export type StateFilter = 'all' | 'active' | 'due' | 'disabled' | 'expired' | 'deleted'

export interface KeyStanding {
  readonly id: Exclude<StateFilter, 'all'>
  readonly label: string
  readonly tone: Tone
}

/** How a key is, in the words of lists. */
export function standingOf(key: RootKey, nowMs: number = Date.now()): KeyStanding {
  if (key.state === 5) return { id: 'deleted', label: 'Deleted', tone: 'bad' }
  if (key.state === 2) return { id: 'disabled', label: 'Disabled', tone: 'bad' }
  if (key.state === 3) return { id: 'expired', label: 'Expired', tone: 'warn' }
  const due = rotationOf(key, nowMs)
  if (due && due.days <= 0) return { id: 'due', label: 'Rotation due', tone: 'warn' }
  return due && due.days <= SOON_DAYS
    ? { id: 'due', label: 'Due soon', tone: 'warn' }
    : { id: 'active', label: 'Active', tone: 'ok' }
}

/** It wraps. */
export const isUsable = ({ state }: Pick<RootKey, 'state'>): boolean => state === 1

export interface Rotation {
  readonly atMs: number
  /** Until then; below zero when it is over. */
  readonly days: number
  /** Of the interval that is over, 0 to 1. */
  readonly share: number
  readonly months: number
}

/** When its policy rotates it next; undefined without one, and for keys that are not in use. */
export function rotationOf({ rotation, state, ...key }: RootKey, nowMs: number = Date.now()): Rotation | undefined {
  if (!rotation?.enabled || state !== 1) return undefined
  const since = Date.parse(key.keyVersion?.creationDate ?? key.lastRotateDate ?? key.creationDate)
  const interval = rotation.interval_month * MONTH_MS
  const atMs = since + interval
  return {
    atMs,
    days: Math.ceil((atMs - nowMs) / DAY_MS),
    share: Math.min(1, Math.max(0, (nowMs - since) / interval)),
    months: rotation.interval_month,
  }
}

export const everyMonths = (months: number): string => (months === 1 ? 'every month' : `every ${months} months`)
