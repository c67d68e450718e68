import type { Clock } from '../base/clock.ts'
import { hasCode } from '../base/errors.ts'
import { bucketKeyContext } from '../envelope/bucket-key.ts'
import type { KeyProvider, KeyProviderErrorCode, WrappedDek } from '../envelope/key-provider.ts'
import { isRefusal } from '../envelope/permits.ts'
import type { Buckets } from './buckets.ts'
import { openCanary } from './canary.ts'
import { ObjectsError, type ObjectsErrorCode } from './errors.ts'
import { findSlot, type StoredDek } from './key-slots.ts'
import type { KeyWitness } from './key-witness.ts'
import type { BucketRecord } from './records.ts'
import { type SlotKeys, type SlotUse, slotCall, slotKeys } from './slot-keys.ts'
import { metadataKeyContext } from './wrap-contexts.ts'

/** `wrong`: what answers for the slot's root key is other key material than the slot was made with. */
export type SlotState = 'proven' | 'doubted' | 'wrong'

export interface SlotStanding {
  readonly state: SlotState
  /** Of the last check; undefined before the first. */
  readonly checkedAtMs: number | undefined
  /** Why the last check said nothing: the key service's refusal. */
  readonly refusal: string | undefined
}

/**
 * Whether the keys of slots are those that the slots were made with, as their canaries say: a key service that was put back
 * from elsewhere may answer under the same names with other keys. Nothing is wrapped in a slot before it has proven itself
 * in this process and since it was doubted last, and nothing is opened while it is wrong.
 */
export interface KeyProofs {
  /** Throws BucketKeyWrong, or what the key service refuses with. Undefined, as of the next two: it is so, and nobody has to wait. */
  readonly proven: (use: SlotUse) => Promise<void> | undefined
  /**
   * After a wrap, and before anything of it is stored: a version of the root key that the canary is not under has to be one
   * of the key that is proven, and what lies under a newer one has a canary under it.
   */
  readonly admit: (use: SlotUse, keyVersion: string) => Promise<void> | undefined
  /** Throws BucketKeyWrong. */
  readonly notWrong: (use: SlotUse) => Promise<void> | undefined
  /** Something did not open: is it the key? Throws BucketKeyWrong. */
  readonly recheck: (use: SlotUse) => Promise<void>
  /** The slot's key was used. If it is known as one that refused, it is asked again, and so are others that refused alike. */
  readonly served: (use: SlotUse) => void
  /** Before something new comes under a root key: as `proven`, of any slot that there is of it. */
  readonly provenRoot: (rootKeyCrn: string) => Promise<void>
  /** A slot that was made a moment ago. */
  readonly made: (use: SlotUse) => void
  /** All slots of the root key; of all keys. */
  readonly doubt: (rootKeyCrn?: string) => void
  /** Asks the key service now; a canary under an older version is renewed. Throws as `proven`. */
  readonly check: (bucket: BucketRecord, slotId: number) => Promise<void>
  readonly standing: (bucketId: string, slotId: number) => SlotStanding
  /** Forgets what is not in `all` any more. */
  readonly keep: (all: readonly BucketRecord[]) => void
}

interface Standing {
  readonly rootKeyCrn: string
  state: SlotState
  checkedAtMs: number | undefined
  refusal: string | undefined
  /** Counts the doubts: a check that began before the last one settles nothing. */
  doubts: number
  /** Of the root key, that the canary was under when the key proved itself. */
  version: string | undefined
  checking: Promise<void> | undefined
}

/** A slot that is wrong is asked about again by those who want to use it, but not more often than this. */
const ASK_AGAIN_MS = 1000
/** Slots of a root key that are asked about it before one is made. */
const MAX_WITNESSES = 10
/** Objects of a slot without a canary that are opened before its key is taken as wrong. */
const MAX_OBJECTS = 3

export interface KeyProofsOptions {
  readonly provider: KeyProvider
  readonly buckets: Pick<Buckets, 'all'>
  readonly clock: Clock
  /** A slot became wrong, or right again. */
  readonly onChange: (bucketId: string, slotId: number, state: SlotState) => void
  /** Puts a canary in the place of the former one, durably. */
  readonly store: (use: SlotUse, former: WrappedDek, canary: WrappedDek) => Promise<Stored>
  /** The root key of the slot has this version, and the slot lies under an earlier one. */
  readonly onOutdated: (use: SlotUse, keyVersion: string) => void
  /** DEKs that lie in a slot, for one that has no canary: so many at most. */
  readonly witnesses: (bucketId: string, slotId: number, limit: number) => Promise<readonly KeyWitness[]>
  /** What refused for this reason may not do so any more. */
  readonly onServed: (use: SlotUse, refusal: string) => void
}

/** `absent`: there is no such slot yet, or no more. `changed`: it has another canary by now. */
export type Stored = 'stored' | 'absent' | 'changed'

export function keyProofs(options: KeyProofsOptions): KeyProofs {
  const { provider, buckets, clock, onChange, store, onOutdated, onServed } = options
  const slots = slotKeys(provider)
  const standings = new Map<string, Standing>()
  const nameOf = (bucketId: string, slotId: number): string => `${bucketId} ${slotId}`
  const standingOf = ({ bucketId, slot }: SlotUse): Standing => {
    const name = nameOf(bucketId, slot.id)
    const known = standings.get(name)
    if (known) return known
    const made: Standing = {
      ...{ rootKeyCrn: slot.rootKeyCrn, state: 'doubted', checkedAtMs: undefined, refusal: undefined },
      ...{ doubts: 0, version: undefined, checking: undefined },
    }
    standings.set(name, made)
    return made
  }
  const set = ({ bucketId, slot }: SlotUse, standing: Standing, state: SlotState): void => {
    const before = standing.state
    standing.state = state
    if ((before === 'wrong') !== (state === 'wrong')) onChange(bucketId, slot.id, state)
  }

  /** Puts one question to the key service, and takes its answer in unless it was doubted meanwhile. */
  const ask = async (use: SlotUse): Promise<void> => {
    const standing = standingOf(use)
    const { doubts } = standing
    const answer = await testimony(slots, options, bucketOf(use.bucketId), use)
    standing.checkedAtMs = clock.now()
    standing.refusal = 'refusal' in answer ? codeOf(answer.refusal) : undefined
    if ('refusal' in answer) {
      // A wrong key that is refused, too, is not right for it.
      if (standing.state === 'proven') set(use, standing, 'doubted')
      throw answer.refusal
    }
    if (!answer.right) {
      set(use, standing, 'wrong')
      throw wrong()
    }
    if (standing.doubts !== doubts) return
    const { canary, renewed, newest } = answer
    standing.version = canary?.keyVersion
    set(use, standing, 'proven')
    if (newest !== undefined) onOutdated(use, newest)
    if (!canary || !renewed) return
    const stored = await store(use, canary, renewed)
    if (stored === 'changed') return ask(use)
    if (stored === 'stored' && standing.doubts === doubts) standing.version = renewed.keyVersion
  }
  /** Many who want to know at the same time are told together. */
  const asked = (use: SlotUse): Promise<void> => {
    const standing = standingOf(use)
    standing.checking ??= ask(use).finally(() => {
      standing.checking = undefined
    })
    return standing.checking
  }
  const bucketOf = (id: string): BucketRecord | undefined => buckets.all().find((bucket) => bucket.id === id)

  const isDue = ({ checkedAtMs }: Standing): boolean =>
    checkedAtMs === undefined || Math.abs(clock.now() - checkedAtMs) >= ASK_AGAIN_MS
  const notWrong = (use: SlotUse): Promise<void> | undefined => {
    const standing = standingOf(use)
    if (standing.state !== 'wrong') return undefined
    return isDue(standing) ? asked(use) : Promise.reject(wrong())
  }
  const prove = async (use: SlotUse): Promise<void> => {
    await notWrong(use)
    while (standingOf(use).state !== 'proven') await asked(use)
  }
  const proven = (use: SlotUse): Promise<void> | undefined =>
    standingOf(use).state === 'proven' ? undefined : prove(use)

  const renew = async (use: SlotUse, standing: Standing, keyVersion: string): Promise<void> => {
    // Not one that is under way: it may have been answered before the wrap.
    do await ask(use)
    while (standing.state !== 'proven')
    // Without a canary there is nothing that could say more of it.
    standing.version ??= keyVersion
  }

  return {
    proven,
    notWrong,
    admit: (use, keyVersion) => {
      const standing = standingOf(use)
      const known = keyVersion === '' || (standing.state === 'proven' && standing.version === keyVersion)
      return known ? undefined : renew(use, standing, keyVersion)
    },
    recheck: async (use) => {
      try {
        await ask(use)
      } catch (error) {
        if (hasCode<ObjectsErrorCode>(error, 'BucketKeyWrong')) throw error
      }
    },
    served: (use) => {
      const standing = standings.get(nameOf(use.bucketId, use.slot.id))
      if (standing?.refusal === undefined || standing.checking || !isDue(standing)) return
      onServed(use, standing.refusal)
    },
    provenRoot: async (rootKeyCrn) => {
      let refused: unknown
      let witnesses = 0
      for (const { id: bucketId, serviceInstanceCrn, slots: table } of buckets.all()) {
        const slot = table.find((each) => each.rootKeyCrn === rootKeyCrn)
        if (!slot) continue
        if (witnesses++ === MAX_WITNESSES) break
        try {
          return await proven({ bucketId, serviceInstanceCrn, slot })
        } catch (error) {
          if (hasCode<ObjectsErrorCode>(error, 'BucketKeyWrong')) refused = error
        }
      }
      if (refused !== undefined) throw refused
    },
    made: (use) => {
      const standing = standingOf(use)
      standing.state = 'proven'
      standing.checkedAtMs = clock.now()
      const { canary } = use.slot
      standing.version = canary?.keyVersion
    },
    doubt: (rootKeyCrn) => {
      for (const standing of standings.values()) {
        if (rootKeyCrn !== undefined && standing.rootKeyCrn !== rootKeyCrn) continue
        standing.doubts++
        standing.version = undefined
        if (standing.state === 'proven') standing.state = 'doubted'
      }
    },
    check: async ({ id: bucketId, serviceInstanceCrn, ...bucket }, slotId) => {
      const slot = findSlot(bucket, slotId)
      if (slot) await ask({ bucketId, serviceInstanceCrn, slot })
    },
    standing: (bucketId, slotId) => {
      const { state = 'doubted', checkedAtMs, refusal } = standings.get(nameOf(bucketId, slotId)) ?? {}
      return { state, checkedAtMs, refusal }
    },
    keep: (all) => {
      const names = new Set(all.flatMap(({ id, slots: table }) => table.map((slot) => nameOf(id, slot.id))))
      for (const name of standings.keys()) if (!names.has(name)) standings.delete(name)
    },
  }
}

type Testimony =
  | {
      readonly right: boolean
      /** The one that was opened. */
      readonly canary?: WrappedDek
      readonly renewed?: WrappedDek
      readonly newest?: string
    }
  /** The key service would not say, or cannot be reached. */
  | { readonly refusal: unknown }

/** The canary; of a slot that was made before there were any, what else lies in it. */
async function testimony(
  slots: SlotKeys,
  { provider, witnesses }: Pick<KeyProofsOptions, 'provider' | 'witnesses'>,
  bucket: BucketRecord | undefined,
  of: SlotUse,
): Promise<Testimony> {
  const use: SlotUse = { ...of, slot: (bucket && findSlot(bucket, of.slot.id)) ?? of.slot, fresh: true }
  const { slot, bucketId } = use
  const openMetadataKey = async (key: StoredDek): Promise<void> => {
    const { dek } = await slots.unwrap(use, key, metadataKeyContext(bucketId))
    dek[Symbol.dispose]()
  }
  const metadataKey = bucket?.metadataKey.slot === slot.id ? bucket.metadataKey : undefined
  try {
    const { canary } = slot
    if (canary) {
      const answer = await openCanary(slots, use, canary)
      // A key that has the one version need not have the other.
      if (answer.right && metadataKey && metadataKey.keyVersion !== canary.keyVersion)
        await openMetadataKey(metadataKey)
      return { ...answer, canary }
    }
    if (slot.kind === 'bucket-key') {
      const { dek } = await provider.unwrap(slotCall(use), slot.wrapped, bucketKeyContext(bucketId, slot.keyId))
      dek[Symbol.dispose]()
    } else if (metadataKey) await openMetadataKey(metadataKey)
    else return { right: await opensAny(slots, use, await witnesses(bucketId, slot.id, MAX_OBJECTS)) }
    return { right: true }
  } catch (error) {
    return hasCode<KeyProviderErrorCode>(error, 'WrappedDekForged') ? { right: false } : { refusal: error }
  }
}

/** One of them may be damaged by itself. Where nothing lies, nothing can be wrong. */
async function opensAny(slots: SlotKeys, use: SlotUse, witnesses: readonly KeyWitness[]): Promise<boolean> {
  for (const { stored, context } of witnesses) {
    try {
      const { dek } = await slots.unwrap(use, stored, context)
      dek[Symbol.dispose]()
      return true
    } catch (error) {
      if (!hasCode<KeyProviderErrorCode>(error, 'WrappedDekForged')) throw error
    }
  }
  return witnesses.length === 0
}

const wrong = (): ObjectsError =>
  new ObjectsError('BucketKeyWrong', 'the root key of the bucket is not the one that it was made with')

const codeOf = (error: unknown): string => (hasCode(error) ? error.code : 'Unexpected')

/** Slots that nothing is wrapped in unless they have proven themselves, and nothing opened while they are wrong. */
export function provenSlots(slots: SlotKeys, proofs: KeyProofs): SlotKeys {
  /** A key that was refused may be another one when it is back, and so may all of a key service that was out of reach. */
  const heeded = async <Result>(use: SlotUse, answer: Promise<Result>): Promise<Result> => {
    try {
      return await answer
    } catch (error) {
      if (hasCode<KeyProviderErrorCode>(error, 'KeyProviderUnavailable')) proofs.doubt()
      else if (isRefusal(error)) proofs.doubt(use.slot.rootKeyCrn)
      if (hasCode<KeyProviderErrorCode>(error, 'WrappedDekForged')) await proofs.recheck(use)
      throw error
    }
  }
  // What is so already is not waited for: each step of this that is an async function for nothing costs a put.
  return {
    wrap: async (use, dek, context) => {
      const proving = proofs.proven(use)
      if (proving !== undefined) await heeded(use, proving)
      const stored = await heeded(use, slots.wrap(use, dek, context))
      const admitting = proofs.admit(use, stored.keyVersion)
      if (admitting !== undefined) await admitting
      return stored
    },
    unwrap: async (use, stored, context) => {
      const looking = proofs.notWrong(use)
      if (looking !== undefined) await looking
      const opened = await heeded(use, slots.unwrap(use, stored, context))
      proofs.served(use)
      return opened
    },
    rewrap: async (use, stored, context, to) => {
      const target = { ...use, slot: to }
      await proofs.notWrong(use)
      const proving = proofs.proven(target)
      if (proving !== undefined) await heeded(target, proving)
      const rewrapped = await heeded(use, slots.rewrap(use, stored, context, to))
      await proofs.admit(target, rewrapped.keyVersion)
      return rewrapped
    },
    permit: async (use, how) => {
      const proving = how === 'wrap' ? proofs.proven(use) : undefined
      if (proving !== undefined) await heeded(use, proving)
      const looking = how === 'wrap' ? undefined : proofs.notWrong(use)
      if (looking !== undefined) await looking
      await heeded(use, slots.permit(use, how))
    },
  }
}
