import type { Clock } from '../base/clock.ts'
import { type CodedError, hasCode } from '../base/errors.ts'
import type { Serial } from '../base/serial.ts'
import type { KeyProvider, KeyProviderErrorCode, WrappedDek } from '../envelope/key-provider.ts'
import type { Bucket, Buckets } from './buckets.ts'
import { newCanary } from './canary.ts'
import type { ObjectsErrorCode } from './errors.ts'
import {
  type KeyProofs,
  type KeyProofsOptions,
  keyProofs,
  provenSlots,
  type SlotStanding,
  type Stored,
} from './key-proofs.ts'
import { findSlot, isOpen, type KeySlot } from './key-slots.ts'
import { type SlotUse, slotKeys } from './slot-keys.ts'

/**
 * `open`: all its keys are the right ones. `locked`: one is not. `refused`: the key service refuses to say, or is out of
 * reach. `unchecked`: not yet known.
 */
export interface BucketKeyState {
  readonly bucket: string
  readonly serviceInstanceCrn: string
  readonly state: 'open' | 'locked' | 'refused' | 'unchecked'
  readonly keys: readonly (SlotStanding & { readonly slot: number; readonly rootKeyCrn: string })[]
}

export interface SlotAnswer {
  readonly slot: KeySlot
  /** Why not. */
  readonly refusal: string | undefined
}

/** Looks in the background whether the keys of buckets are those that they were made with. */
export interface KeyChecks {
  readonly proofs: KeyProofs
  /** Of one root key, or of all: what is known of them may not hold any more. They are checked at once. */
  readonly doubt: (rootKeyCrn?: string) => void
  readonly states: () => BucketKeyState[]
  /** Would what lies in each slot open now? Asked as a read asks. */
  readonly answers: (bucket: Bucket) => Promise<SlotAnswer[]>
  /** Resolves when nothing is being checked. */
  readonly idle: () => Promise<void>
  readonly close: () => Promise<void>
}

export function openKeyChecks(options: {
  readonly provider: KeyProvider
  readonly buckets: Buckets
  readonly byName: Serial
  readonly clock: Clock
  readonly witnesses: KeyProofsOptions['witnesses']
  readonly keyCheckMs: number | undefined
  readonly onKeyChange: (state: BucketKeyState) => void
  /** Something of the bucket lies under an earlier version of the root key than this. */
  readonly onOutdated: (bucket: Bucket, rootKeyCrn: string, keyVersion: string) => void
  readonly onError: (error: unknown) => void
}): KeyChecks {
  const { provider, buckets, byName, clock, witnesses, keyCheckMs, onKeyChange, onOutdated, onError } = options
  const running = new Set<Promise<void>>()
  let closed = false
  let askingAgain = false
  const inBackground = (work: () => Promise<void>): void => {
    if (closed) return
    const run = work()
      .catch(onError)
      .finally(() => void running.delete(run))
    running.add(run)
  }

  /** Whoever wrapped something before and commits it now is fenced by the bucket's row, and has to wrap anew. */
  const fenceOff = async (bucket: Bucket): Promise<void> => {
    await byName.run(bucket.name, async () => {
      const now = buckets.find(bucket.name)
      if (now?.id === bucket.id && !now.deleting) await buckets.replace(now, now)
    })
  }
  /** Whoever else writes the bucket's row at the same time is within the serial of its name, and may wait for this. */
  const store = async (
    { bucketId, slot: { id } }: SlotUse,
    former: WrappedDek | undefined,
    canary: WrappedDek,
  ): Promise<Stored> => {
    while (!closed) {
      const now = buckets.all().find((bucket) => bucket.id === bucketId)
      const slot = now && findSlot(now, id)
      if (!now || !slot || now.deleting) return 'absent'
      if (slot.canary && slot.canary.keyVersion === canary.keyVersion) return 'stored'
      if (!sameCanary(slot.canary, former)) return 'changed'
      const slots = now.slots.map((each) => (each.id === id ? { ...each, canary } : each))
      try {
        await buckets.replace(now, { ...now, slots })
        return 'stored'
      } catch (error) {
        if (!hasCode<ObjectsErrorCode>(error, 'BucketBusy')) throw error
      }
    }
    return 'absent'
  }
  const proofs = keyProofs({
    provider,
    buckets,
    clock,
    witnesses,
    store,
    onServed: ({ slot }, refusal) => {
      if (askingAgain) return
      askingAgain = true
      const concerns = ({ id }: Bucket, crn: string, slotId: number): boolean =>
        proofs.standing(id, slotId).refusal === refusal &&
        (crn === slot.rootKeyCrn || refusal === ('KeyProviderUnavailable' satisfies KeyProviderErrorCode))
      inBackground(() =>
        check(concerns).finally(() => {
          askingAgain = false
        }),
      )
    },
    onOutdated: ({ bucketId, slot }, keyVersion) => {
      const bucket = buckets.all().find(({ id }) => id === bucketId)
      if (bucket) onOutdated(bucket, slot.rootKeyCrn, keyVersion)
    },
    onChange: (bucketId, _slot, state) => {
      const bucket = buckets.all().find(({ id }) => id === bucketId)
      if (!bucket) return
      if (state === 'wrong') inBackground(() => fenceOff(bucket))
      onKeyChange(stateOf(proofs, bucket))
    },
  })
  const slots = provenSlots(slotKeys(provider), proofs)

  const refusalOf = async (use: SlotUse): Promise<string | undefined> => {
    try {
      await slots.permit(use, 'unwrap')
      return undefined
    } catch (error) {
      if (isExpected(error)) return error.code
      throw error
    }
  }

  const checkSlot = async (bucket: Bucket, slotId: number): Promise<void> => {
    try {
      await proofs.check(bucket, slotId)
      const slot = findSlot(bucket, slotId)
      if (!slot || slot.canary || !isOpen(slot)) return
      const use = { bucketId: bucket.id, serviceInstanceCrn: bucket.serviceInstanceCrn, slot }
      await store(use, undefined, await newCanary(slots, use))
    } catch (error) {
      // It is known by its standing.
      if (!isExpected(error)) throw error
    }
  }
  const check = async (concerns: (bucket: Bucket, rootKeyCrn: string, slotId: number) => boolean): Promise<void> => {
    proofs.keep(buckets.all())
    for (const { name } of buckets.all()) {
      for (const { id } of buckets.find(name)?.slots ?? []) {
        // As it is now: storing a canary changes it.
        const bucket = buckets.find(name)
        const slot = bucket && findSlot(bucket, id)
        if (closed) return
        if (bucket && slot && concerns(bucket, slot.rootKeyCrn, id)) await checkSlot(bucket, id)
      }
    }
  }

  const checkAll = (): void => inBackground(() => check(() => true))
  const timer = keyCheckMs === undefined ? undefined : setInterval(checkAll, keyCheckMs).unref()
  if (timer) checkAll()

  return {
    proofs,
    doubt: (rootKeyCrn) => {
      proofs.doubt(rootKeyCrn)
      inBackground(() => check((_, crn) => rootKeyCrn === undefined || crn === rootKeyCrn))
    },
    states: () => buckets.all().map((bucket) => stateOf(proofs, bucket)),
    answers: ({ id: bucketId, serviceInstanceCrn, slots: table }) =>
      Promise.all(
        table.map(async (slot) => ({ slot, refusal: await refusalOf({ bucketId, serviceInstanceCrn, slot }) })),
      ),
    idle: async () => {
      while (running.size > 0) await Promise.all(running)
    },
    close: async () => {
      closed = true
      clearInterval(timer)
      await Promise.all(running)
    },
  }
}

const sameCanary = (one: WrappedDek | undefined, other: WrappedDek | undefined): boolean =>
  one === other || (one !== undefined && other !== undefined && one.ciphertext.equals(other.ciphertext))

const isExpected = (error: unknown): error is CodedError =>
  hasCode<ObjectsErrorCode | KeyProviderErrorCode>(
    error,
    'BucketKeyWrong',
    'BucketBusy',
    'NoSuchBucket',
    'RootKeyNotFound',
    'RootKeyDisabled',
    'KeyAccessDenied',
    'KeyProviderUnavailable',
  )

function stateOf(proofs: KeyProofs, { id, name, serviceInstanceCrn, slots }: Bucket): BucketKeyState {
  const keys = slots.map((slot) => ({ slot: slot.id, rootKeyCrn: slot.rootKeyCrn, ...proofs.standing(id, slot.id) }))
  const state = keys.some((key) => key.state === 'wrong')
    ? 'locked'
    : keys.some(({ refusal }) => refusal !== undefined)
      ? 'refused'
      : keys.every((key) => key.state === 'proven')
        ? 'open'
        : 'unchecked'
  return { bucket: name, serviceInstanceCrn, state, keys }
}
