import { hasCode } from '../base/errors.ts'
import type { KeyProviderErrorCode } from '../envelope/key-provider.ts'
import type { BucketKeys } from './bucket-keys.ts'
import { destinationOf, isOpen, type KeySlot, type StoredDek, slotOf } from './key-slots.ts'
import type { BucketRecord } from './records.ts'
import type { UsageCount } from './usage.ts'

/**
 * Newest versions of the root keys of a bucket's open slots, by CRN. '' where nobody says: whoever takes away the key of his
 * own objects keeps those of others from nothing. Throws what the bucket's own root key throws.
 */
export type NewestVersions = ReadonlyMap<string, string>

export async function newestVersions(keys: BucketKeys, bucket: BucketRecord): Promise<NewestVersions> {
  const newest = new Map<string, string>()
  for (const slot of bucket.slots.filter(isOpen)) {
    if (newest.has(slot.rootKeyCrn)) continue
    try {
      newest.set(slot.rootKeyCrn, await keys.newestVersion(bucket, slot))
    } catch (error) {
      if (slot.rootKeyCrn === bucket.rootKeyCrn || !isRefusal(error)) throw error
      newest.set(slot.rootKeyCrn, '')
    }
  }
  return newest
}

const isRefusal = (error: unknown): boolean =>
  hasCode<KeyProviderErrorCode>(error, 'RootKeyNotFound', 'RootKeyDisabled', 'KeyAccessDenied')

const isNewest = (newest: NewestVersions, { rootKeyCrn }: KeySlot, keyVersion: string): boolean =>
  ['', keyVersion].includes(newest.get(rootKeyCrn) ?? '')

/** A bucket key whose root key was rotated since: what is new is to be under a new one. */
export const isOutdatedSlot = (newest: NewestVersions, slot: KeySlot): boolean =>
  isOpen(slot) && slot.kind === 'bucket-key' && !isNewest(newest, slot, slot.wrapped.keyVersion)

/** What is known of the root key to be right is an earlier version than the one that is to wrap here. */
export const hasOldCanary = (newest: NewestVersions, slot: KeySlot): boolean =>
  isOpen(slot) && slot.kind === 'root' && slot.canary !== undefined && !isNewest(newest, slot, slot.canary.keyVersion)

/** The slot under which a key of the bucket is to be wrapped again; undefined when it is where it belongs. */
export function rewrapTarget(
  bucket: BucketRecord,
  newest: NewestVersions,
  { slot: id, keyVersion }: Pick<StoredDek, 'slot' | 'keyVersion'>,
): KeySlot | undefined {
  const slot = slotOf(bucket, id)
  const to = destinationOf(bucket, slot)
  if (to.id !== slot.id) return to
  return slot.kind === 'root' && !isNewest(newest, slot, keyVersion) ? slot : undefined
}

/** What the index says is left to do. A slot that nobody knows is not left out: nothing must be counted to it. */
export const remaining = (bucket: BucketRecord, newest: NewestVersions, counts: readonly UsageCount[]): UsageCount[] =>
  counts.filter(
    (count) => !bucket.slots.some(({ id }) => id === count.slot) || rewrapTarget(bucket, newest, count) !== undefined,
  )
