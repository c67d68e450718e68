import type { BucketKeys } from './bucket-keys.ts'
import { type KeyRefusals, unlessRefused } from './key-refusals.ts'
import { destinationOf, isOpen, type KeySlot, type StoredDek, slotOf } from './key-slots.ts'
import type { BucketRecord } from './records.ts'

/** Newest versions of the root keys of a bucket's open slots, by CRN. '' where nobody says. */
export type NewestVersions = ReadonlyMap<string, string>

/** Keys that do not say are added to the refusals: whoever takes away one key keeps what is under others from nothing. */
export async function newestVersions(
  keys: BucketKeys,
  bucket: BucketRecord,
  refusals: KeyRefusals,
): Promise<NewestVersions> {
  const newest = new Map<string, string>()
  for (const slot of bucket.slots.filter(isOpen)) {
    if (newest.has(slot.rootKeyCrn)) continue
    const version = await unlessRefused(refusals, slot.rootKeyCrn, () => keys.newestVersion(bucket, slot))
    newest.set(slot.rootKeyCrn, version ?? '')
  }
  return newest
}

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
