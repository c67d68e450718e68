import type { WrappedDek } from '../envelope/key-provider.ts'
import type { Algorithm, Encryption, Sealing } from './encrypting.ts'
import { ObjectsError } from './errors.ts'

interface SlotBase {
  /** Never used again in its bucket. */
  readonly id: number
  readonly rootKeyCrn: string
  readonly encryption: Encryption
  readonly createdAtMs: number
  /**
   * The slot that what lies here is rewrapped to. A slot that has one wraps nothing new, and is dropped when nothing refers
   * to it any more. It is under the same root key, unless the bucket has moved from that one.
   */
  readonly successor?: number
  /** Of what asked for a key that was not the bucket's: such objects stay under it, wherever the bucket moves. */
  readonly own?: true
  /** Nothing referred to it: it wraps nothing new, and is dropped when a look at every record says so, too. */
  readonly retired?: true
  /** A known text, wrapped as a DEK in the slot would be: opens only while the keys are those that the slot was made with. */
  readonly canary?: WrappedDek
}

/** What wraps DEKs of a bucket: a root key itself, or a key of the bucket's own which that root key wraps. */
export type KeySlot = SlotBase & ({ readonly kind: 'root' } | BucketKeySlot)

interface BucketKeySlot {
  readonly kind: 'bucket-key'
  /** UUID: the key reference of what it wraps. */
  readonly keyId: string
  readonly wrapped: WrappedDek
}

/** A wrapped key and the slot of the bucket that opens it. `keyVersion` is '' under a bucket key, which has one only. */
export interface StoredDek extends WrappedDek {
  readonly slot: number
  /** Digest of the encryption context that is bound to each wrap of it. */
  readonly context?: string
}

/** The part of a bucket's record that says what wraps its keys. */
export interface SlotTable {
  readonly slots: readonly KeySlot[]
  /** Id of the slot that wraps what is new. */
  readonly slot: number
  /** Id of the slot that is made next. */
  readonly nextSlot: number
}

/** What a client is told of how its bytes are protected. */
export interface Protection extends Pick<SlotBase, 'rootKeyCrn' | 'encryption'> {
  /** The root key wraps a key of the bucket, and that one the DEK. */
  readonly bucketKey: boolean
  readonly algorithm: Algorithm
  /** The root key by the name that the client gave it; undefined when it is not the client's to know. */
  readonly keyName?: string
  /** Its customer keeps a key that it needs, too. */
  readonly customerKey: boolean
}

/** A row holds up to 64 KiB; each slot takes about 3/4 KiB of it. */
export const MAX_SLOTS = 80
/** Of them clients may fill half: each gets a successor when its root key is rotated, and all may be at once. */
export const MAX_OPEN_SLOTS = MAX_SLOTS / 2

/** Of a bucket that has had no other. */
export const onlySlot = (slot: KeySlot): SlotTable => ({ slots: [slot], slot: slot.id, nextSlot: slot.id + 1 })

/** Of a bucket whose record says nothing of slots: its root key. */
export function firstSlots(of: Pick<SlotBase, 'rootKeyCrn' | 'encryption' | 'createdAtMs'>): SlotTable {
  const { rootKeyCrn, encryption, createdAtMs } = of
  return onlySlot({ id: 0, kind: 'root', rootKeyCrn, encryption, createdAtMs })
}

export const findSlot = ({ slots }: Pick<SlotTable, 'slots'>, id: number): KeySlot | undefined =>
  slots.find((slot) => slot.id === id)

export const isOpen = ({ successor, retired }: KeySlot): boolean => successor === undefined && !retired

/** Where what lies in a slot belongs: the slot itself, or the last one that its successors lead to. */
export function destinationOf(table: Pick<SlotTable, 'slots'>, from: KeySlot): KeySlot {
  let slot = from
  for (;;) {
    const next = slot.successor === undefined ? undefined : findSlot(table, slot.successor)
    if (!next) return slot
    slot = next
  }
}

/** Is something on its way to another root key? */
export const isMoving = (table: Pick<SlotTable, 'slots'>): boolean =>
  table.slots.some((slot) => destinationOf(table, slot).rootKeyCrn !== slot.rootKeyCrn)

type Keyed = SlotTable & Pick<SlotBase, 'rootKeyCrn' | 'encryption'>

/**
 * Throws when what lies in a slot would come under another root key, but for what leaves the bucket's own key as the bucket
 * moves. Whoever decides about that key decides about those objects: nothing else takes them from him.
 */
export function checkDestinations(before: Keyed, after: Keyed): void {
  for (const slot of before.slots) {
    const now = findSlot(after, slot.id)
    if (!now) continue
    const [from, to] = [destinationOf(before, slot), destinationOf(after, now)]
    if (from.rootKeyCrn === to.rootKeyCrn) continue
    const moves = !from.own && from.rootKeyCrn === before.rootKeyCrn && to.rootKeyCrn === after.rootKeyCrn
    if (!moves) throw new Error(`key slot ${slot.id} would lead to slot ${to.id} under another root key`)
  }
}

/** Is it another key than that of the bucket? */
export const isForeign = (
  bucket: Pick<SlotBase, 'rootKeyCrn' | 'encryption'>,
  of: Pick<SlotBase, 'rootKeyCrn' | 'encryption'>,
): boolean => of.rootKeyCrn !== bucket.rootKeyCrn || of.encryption !== bucket.encryption

/** Throws ObjectDamaged: nothing can be opened that refers to a slot which is not there. */
export function slotOf(table: Pick<SlotTable, 'slots'>, id: number): KeySlot {
  const slot = findSlot(table, id)
  if (!slot) throw new ObjectsError('ObjectDamaged', `the bucket has no key slot ${id}`)
  return slot
}

/** Whatever was under a slot that is not there any more is under the one of now. */
export function protectionOf(table: SlotTable, { wrappedDek, sealing }: Protected): Protection {
  const { rootKeyCrn, encryption, kind } = findSlot(table, wrappedDek.slot) ?? slotOf(table, table.slot)
  const own = encryption === 'customer-managed'
  // What was asked for is not what is done any more once the object is under another key.
  const asked = sealing.asked?.rootKeyCrn === rootKeyCrn ? sealing.asked : undefined
  const single = asked?.algorithm ?? (own ? 'aws:kms' : 'AES256')
  const keyName = asked ? asked.keyName : own ? rootKeyCrn : undefined
  return {
    ...{ rootKeyCrn, encryption, bucketKey: kind === 'bucket-key' },
    algorithm: sealing.outerKey ? 'aws:kms:dsse' : single,
    ...(keyName === undefined ? {} : { keyName }),
    customerKey: sealing.customerKeyCheck !== undefined,
  }
}

/** Of a record. */
interface Protected {
  readonly wrappedDek: Pick<StoredDek, 'slot'>
  readonly sealing: Sealing
}

/** The versions of root keys that wrap in open slots, as far as the bucket's record says. */
export function wrappingVersions(
  table: Pick<SlotTable, 'slots'> & { readonly metadataKey: StoredDek },
): { readonly rootKeyCrn: string; readonly keyVersion: string }[] {
  return table.slots.filter(isOpen).flatMap((slot) => {
    const lies = table.metadataKey.slot === slot.id ? table.metadataKey.keyVersion : undefined
    // A canary is under the newest version before anything else is.
    const keyVersion = slot.kind === 'bucket-key' ? slot.wrapped.keyVersion : (slot.canary?.keyVersion ?? lies)
    return keyVersion === undefined ? [] : [{ rootKeyCrn: slot.rootKeyCrn, keyVersion }]
  })
}

/** Version of the root key that what lies in the slot depends on. */
export const rootVersionOf = (slot: KeySlot, { keyVersion }: Pick<WrappedDek, 'keyVersion'>): string =>
  slot.kind === 'root' ? keyVersion : slot.wrapped.keyVersion
