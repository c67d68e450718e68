import { bucketKeyContext, unwrapUnderBucketKey, wrapUnderBucketKey } from '../envelope/bucket-key.ts'
import type { Dek } from '../envelope/dek.ts'
import type { KeyCall, KeyProvider, KeyUse, WrapContext, WrappedDek } from '../envelope/key-provider.ts'
import type { KeySlot, StoredDek } from './key-slots.ts'

/** Which bucket's slot, and for whom it is used. */
export interface SlotUse {
  readonly bucketId: string
  readonly serviceInstanceCrn: string
  readonly requestId?: string
  readonly traceparent?: string
  readonly slot: KeySlot
  /** Of KeyCall. */
  readonly fresh?: boolean
}

/**
 * Wraps and unwraps under a slot. Every call asks the slot's root key, through the provider and its cache: a bucket key is
 * held for the one use only, and opens nothing that the root key does not allow now.
 */
export interface SlotKeys {
  readonly wrap: (use: SlotUse, dek: Dek, context: WrapContext) => Promise<StoredDek>
  /** `rewrapped` when the root key has a newer version than the slot's key was wrapped under. */
  readonly unwrap: (
    use: SlotUse,
    stored: StoredDek,
    context: WrapContext,
  ) => Promise<{ readonly dek: Dek; readonly rewrapped?: WrappedDek }>
  /** The same key under the slot `to`, or under the newest version of the root key of its own. */
  readonly rewrap: (use: SlotUse, stored: StoredDek, context: WrapContext, to: KeySlot) => Promise<StoredDek>
  readonly permit: (use: SlotUse, how: KeyUse) => Promise<void>
}

export const slotCall = ({ slot, serviceInstanceCrn, requestId, traceparent, fresh }: SlotUse): KeyCall => ({
  rootKeyCrn: slot.rootKeyCrn,
  serviceInstanceCrn,
  ...(requestId === undefined ? {} : { requestId }),
  ...(traceparent === undefined ? {} : { traceparent }),
  ...(fresh === undefined ? {} : { fresh }),
})

/** `onOutdated`: the root key of the slot has this version, and what was opened lies under an earlier one. */
export function slotKeys(
  provider: KeyProvider,
  onOutdated: (use: SlotUse, keyVersion: string) => void = () => {},
): SlotKeys {
  const open = async (use: SlotUse, wrapped: WrappedDek, context: WrapContext) => {
    const opened = await provider.unwrap(slotCall(use), wrapped, context)
    if (opened.rewrapped) onOutdated(use, opened.rewrapped.keyVersion)
    return opened
  }
  const slots: SlotKeys = {
    wrap: async (use, dek, context) => {
      const { slot, bucketId } = use
      const call = slotCall(use)
      if (slot.kind === 'root') return { ...(await provider.wrap(call, dek, context)), slot: slot.id }
      // Opening the bucket key asks for unwrapping only.
      await provider.permit(call, 'wrap')
      const { dek: key } = await open(use, slot.wrapped, bucketKeyContext(bucketId, slot.keyId))
      using _bucketKey = key
      return { ciphertext: wrapUnderBucketKey({ id: slot.keyId, key }, dek, context), keyVersion: '', slot: slot.id }
    },
    unwrap: async (use, stored, context) => {
      const { slot, bucketId } = use
      if (slot.kind === 'root') return open(use, stored, context)
      const { dek: key, rewrapped } = await open(use, slot.wrapped, bucketKeyContext(bucketId, slot.keyId))
      using _bucketKey = key
      const dek = unwrapUnderBucketKey({ id: slot.keyId, key }, stored.ciphertext, context)
      return rewrapped ? { dek, rewrapped } : { dek }
    },
    rewrap: async (use, stored, context, to) => {
      if (to.id === use.slot.id && to.kind === 'root' && provider.supports.rewrap) {
        return { ...(await provider.rewrap(slotCall(use), stored, context)), slot: to.id }
      }
      const { dek } = await slots.unwrap(use, stored, context)
      using secret = dek
      return await slots.wrap({ ...use, slot: to }, secret, context)
    },
    permit: (use, how) => provider.permit(slotCall(use), how),
  }
  return slots
}
