import { type BucketKey, wrapUnderBucketKey } from '../envelope/bucket-key.ts'
import { type Dek, dekFrom } from '../envelope/dek.ts'
import type { WrappedDek } from '../envelope/key-provider.ts'
import type { SlotKeys, SlotUse } from './slot-keys.ts'
import { canaryContext } from './wrap-contexts.ts'

/** As long as a DEK. Of no use to anybody. */
const text = (): Dek => dekFrom(Buffer.alloc(32, 'coffer canary 1 '))

/** The known text, wrapped in the slot. */
export async function newCanary(slots: Pick<SlotKeys, 'wrap'>, use: SlotUse): Promise<WrappedDek> {
  using known = text()
  const { ciphertext, keyVersion } = await slots.wrap(use, known, canaryContext(use.bucketId, use.slot.id))
  return { ciphertext, keyVersion }
}

/** The same with the bucket key at hand. */
export function canaryUnder(key: BucketKey, bucketId: string, slot: number): WrappedDek {
  using known = text()
  return { ciphertext: wrapUnderBucketKey(key, known, canaryContext(bucketId, slot)), keyVersion: '' }
}

/**
 * Whether what is in the slot is what was put there. `newest`: what the root key wraps is under when that is not what the slot
 * lies under; `renewed`: the canary under it, of a slot of its root key. Throws WrappedDekForged when it does not open.
 */
export async function openCanary(
  slots: Pick<SlotKeys, 'unwrap'>,
  use: SlotUse,
  canary: WrappedDek,
): Promise<{ readonly right: boolean; readonly renewed?: WrappedDek; readonly newest?: string }> {
  const { slot, bucketId } = use
  const { dek, rewrapped } = await slots.unwrap(use, { ...canary, slot: slot.id }, canaryContext(bucketId, slot.id))
  using opened = dek
  using known = text()
  const right = opened.bytes.equals(known.bytes)
  if (!right || !rewrapped) return { right }
  return { right, newest: rewrapped.keyVersion, ...(slot.kind === 'root' ? { renewed: rewrapped } : {}) }
}
