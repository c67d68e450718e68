import { hasCode } from '../base/errors.ts'
import type { Write } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { currentBucket } from './commit-version.ts'
import type { Encrypting } from './encrypting.ts'
import type { Engine } from './engine.ts'
import { ObjectsError, type ObjectsErrorCode } from './errors.ts'
import { isForeign, isOpen, type KeySlot, MAX_OPEN_SLOTS, MAX_SLOTS, slotOf } from './key-slots.ts'
import { registered } from './registered.ts'
import { kindFor, prefersBucketKeys } from './slot-kind.ts'

export interface WantedSlot extends Pick<KeySlot, 'rootKeyCrn' | 'encryption' | 'kind'> {
  /** As of KeySlot; where nothing is said, whatever is under another key than the bucket. */
  readonly own?: boolean
}

/** A slot, and the bucket that has it: what is to be fenced. */
export interface ChosenSlot {
  readonly bucket: Bucket
  readonly slot: number
}

/** Lost races for the bucket's row: it changes seldom. */
const MAX_ATTEMPTS = 20

/** The slot for what is new: the current one, unless something else is asked for. */
export async function slotForWrite(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  { rootKey, bucketKey }: Encrypting,
): Promise<ChosenSlot> {
  const current = slotOf(bucket, bucket.slot)
  const { rootKeyCrn, encryption } = rootKey ?? current
  const own = rootKeyCrn !== current.rootKeyCrn || encryption !== current.encryption
  const usual = own ? prefersBucketKeys(engine, { rootKeyCrn }) : current.kind === 'bucket-key'
  const wanted: WantedSlot = { rootKeyCrn, encryption, kind: (bucketKey ?? usual) ? 'bucket-key' : 'root' }
  if (!own && wanted.kind === current.kind) return { bucket, slot: current.id }
  const found = findOpen(bucket, wanted)
  if (found) return { bucket, slot: found.id }
  return own ? addSlot(engine, keys, bucket, wanted) : slotFor(engine, keys, bucket, wanted)
}

/** A slot under a root key that the bucket may not refer to yet, and then is to be registered at. */
export const addSlot = (engine: Engine, keys: BucketKeys, bucket: Bucket, wanted: WantedSlot): Promise<ChosenSlot> =>
  engine.byName.run(bucket.name, () => {
    const now = currentBucket(engine, bucket)
    return registered(engine, now, wanted, (end) => slotFor(engine, keys, now, wanted, end))
  })

/**
 * A slot of the bucket that takes what is new, made when there is none. `also` belongs into the commit that makes it. The
 * bucket is registered at the key already.
 */
export async function slotFor(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  wanted: WantedSlot,
  also: readonly Write[] = [],
): Promise<ChosenSlot> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const now = currentBucket(engine, bucket)
    const found = findOpen(now, wanted)
    if (found) return { bucket: now, slot: found.id }
    const possible = { ...wanted, kind: await kindFor(engine, keys, now, wanted) }
    const other = findOpen(now, possible)
    if (other) return { bucket: now, slot: other.id }
    try {
      const slot = await newSlot(engine, keys, now, possible)
      // Looked up once more: the bucket that is there then may have been changed again.
      await engine.buckets.replace(now, withSlot(now, slot), also)
    } catch (error) {
      if (!hasCode<ObjectsErrorCode>(error, 'BucketBusy')) throw error
    }
  }
  throw new ObjectsError('BucketBusy', 'the bucket changed at the same time')
}

const isOwn = (bucket: Bucket, wanted: WantedSlot): boolean => wanted.own ?? isForeign(bucket, wanted)

export const findOpen = (bucket: Bucket, wanted: WantedSlot): KeySlot | undefined =>
  bucket.slots.find(
    (slot) =>
      isOpen(slot) &&
      !isForeign(slot, wanted) &&
      slot.kind === wanted.kind &&
      (slot.own ?? false) === isOwn(bucket, wanted),
  )

/** Throws TooManyKeys: also while there is room for it, which is kept for what takes the place of other slots. */
export async function newSlot(engine: Engine, keys: BucketKeys, bucket: Bucket, wanted: WantedSlot): Promise<KeySlot> {
  if (bucket.slots.filter(isOpen).length >= MAX_OPEN_SLOTS) {
    throw new ObjectsError('TooManyKeys', `A bucket has its objects under at most ${MAX_OPEN_SLOTS} keys at a time.`)
  }
  return slotInPlace(engine, keys, bucket, wanted)
}

/** One to take the place of others. Throws TooManyKeys as long as too many slots wait for their objects to leave. */
export async function slotInPlace(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  wanted: WantedSlot,
): Promise<KeySlot> {
  if (bucket.slots.length >= MAX_SLOTS) {
    throw new ObjectsError('TooManyKeys', 'What lies under earlier keys of the bucket is to be rewrapped first.')
  }
  const { rootKeyCrn, encryption, kind } = wanted
  const own = isOwn(bucket, wanted) ? { own: true as const } : {}
  const base = { rootKeyCrn, encryption, kind, ...own }
  return keys.newSlot(bucket, { ...base, id: bucket.nextSlot, createdAtMs: engine.clock.now() })
}

export const withSlot = (bucket: Bucket, slot: KeySlot): Bucket => ({
  ...bucket,
  slots: [...bucket.slots, slot],
  nextSlot: slot.id + 1,
})
