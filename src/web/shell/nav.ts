import type { IconName } from '../parts/icon.tsx'
import { href } from '../router.ts'

export type Area =
  | 'overview'
  | 'buckets'
  | 'jobs'
  | 'keys'
  | 'providers'
  | 'authorizations'
  | 'users'
  | 'policies'
  | 'activity'
  | 'metrics'
  | 'settings'

export interface NavEntry {
  readonly area: Area
  readonly title: string
  readonly icon: IconName
  readonly href: string
  /** With `g` before it. */
  readonly letter: string
  /** What the process must have. */
  readonly needs?: 'objects' | 'keys'
}

export interface NavGroup {
  readonly title: string | undefined
  readonly entries: readonly NavEntry[]
}

const entry = (area: Area, title: string, icon: IconName, letter: string, needs?: NavEntry['needs']): NavEntry => ({
  ...{ area, title, icon, letter },
  href: area === 'overview' ? href(['']) : href([area]),
  ...(needs ? { needs } : {}),
})

export const SETTINGS = entry('settings', 'Settings', 'gear', 's')

export const NAV: readonly NavGroup[] = [
  { title: undefined, entries: [entry('overview', 'Overview', 'home', 'o')] },
  {
    title: 'Storage',
    entries: [entry('buckets', 'Buckets', 'bucket', 'b', 'objects'), entry('jobs', 'Jobs', 'clock', 'j', 'objects')],
  },
  {
    title: 'Keys',
    entries: [entry('keys', 'Root keys', 'key', 'k', 'keys'), entry('providers', 'Key providers', 'server', 'p')],
  },
  {
    title: 'Manage access',
    entries: [
      entry('authorizations', 'Authorizations', 'shield', 'a'),
      entry('users', 'Users & service IDs', 'people', 'u'),
      entry('policies', 'Policies', 'document', 'l'),
    ],
  },
  {
    title: 'Observe',
    entries: [entry('activity', 'Activity', 'activity', 'v'), entry('metrics', 'Metrics', 'chart', 'm')],
  },
]

export const ALL_ENTRIES: readonly NavEntry[] = [...NAV.flatMap(({ entries }) => entries), SETTINGS]
