import type { KeyEntry } from './catalog.ts'
import { type KmsContext, newestVersion, stateOf } from './context.ts'
import { assertAllowed, isAllowed } from './key-states.ts'
import type { KeyVersionView } from './key-view.ts'

export interface Page {
  readonly offset: number
  readonly limit: number
}

export interface PageOf<T> {
  readonly items: readonly T[]
  /** Of all pages. */
  readonly totalCount: number
}

export const pageOf = <T>(items: readonly T[], { offset, limit }: Page): PageOf<T> => ({
  items: items.slice(offset, offset + limit),
  totalCount: items.length,
})

/** Newest first. Throws InvalidKeyState for a key that is not active, unless any state will do. */
export function versionViews(
  context: KmsContext,
  entry: KeyEntry,
  { allKeyStates }: { readonly allKeyStates: boolean },
): KeyVersionView[] {
  if (!allKeyStates) assertAllowed(stateOf(context, entry), 'listVersions')
  return entry.versions.map(({ id, createdAt }) => ({ id, createdAt })).reverse()
}

/** Of a standard key that is not deleted; a root key's material never leaves. The caller zeroes it. */
export function readPayload(context: KmsContext, entry: KeyEntry): Buffer | undefined {
  if (!entry.record.extractable || !isAllowed(stateOf(context, entry), 'readPayload')) return undefined
  return context.materials.reveal(entry, newestVersion(entry))
}
