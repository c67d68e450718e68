import type { KeyEntry } from './catalog.ts'
import { type KmsContext, newestVersion, stateOf } from './context.ts'
import { isAllowed, KEY_STATE, type KeyState } from './key-states.ts'
import type { KeyVersionView } from './key-view.ts'

export interface Page {
  readonly offset: number
  readonly limit: number
}

export interface KeyFilter {
  /** Default: every state but destroyed. */
  readonly states?: readonly KeyState[]
  readonly extractable?: boolean
}

export interface PageOf<T> {
  readonly items: readonly T[]
  /** Of all pages. */
  readonly totalCount: number
}

const DEFAULT_STATES: readonly KeyState[] = [
  KEY_STATE.preActive,
  KEY_STATE.active,
  KEY_STATE.suspended,
  KEY_STATE.deactivated,
]

/** In order of creation. */
export function selectKeys(context: KmsContext, instanceId: string, filter: KeyFilter): KeyEntry[] {
  const { states = DEFAULT_STATES, extractable } = filter
  return [...context.catalog.keysOf(instanceId)].filter(
    (entry) =>
      states.includes(stateOf(context, entry)) &&
      (extractable === undefined || entry.record.extractable === extractable),
  )
}

export const pageOf = <T>(items: readonly T[], { offset, limit }: Page): PageOf<T> => ({
  items: items.slice(offset, offset + limit),
  totalCount: items.length,
})

/** Newest first. */
export const versionViews = (entry: KeyEntry): KeyVersionView[] =>
  entry.versions.map(({ id, createdAt }) => ({ id, createdAt })).reverse()

/** Of a standard key that is not deleted; a root key's material never leaves. The caller zeroes it. */
export function readPayload(context: KmsContext, entry: KeyEntry): Buffer | undefined {
  if (!entry.record.extractable || !isAllowed(stateOf(context, entry), 'readPayload')) return undefined
  return context.materials.reveal(entry, newestVersion(entry))
}
