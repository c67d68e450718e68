import { hasCode } from '../base/errors.ts'
import type { Write } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { currentBucket } from './commit-version.ts'
import type { Encryption } from './encrypting.ts'
import type { Engine } from './engine.ts'
import type { ObjectsErrorCode } from './errors.ts'
import type { KeySlot } from './key-slots.ts'
import { registered } from './registered.ts'
import { findOpen, slotInPlace, type WantedSlot, withSlot } from './slot-choice.ts'
import { kindFor, prefersBucketKeys } from './slot-kind.ts'

export interface MoveTo {
  readonly encryption: Encryption
  readonly rootKeyCrn: string
  /** As of a new bucket. */
  readonly bucketKey?: boolean
}

const MAX_ATTEMPTS = 20

/**
 * Puts a bucket under another root key. What is new comes under it from then on; what lies under the former one is to be
 * rewrapped: `also` belongs into the commit and begins that. Objects that have a key of their own keep it, also when the bucket passes through that key. Undefined
 * when the bucket is under that key already. Within the serial of the name.
 */
export async function moveBucket(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  { bucketKey, ...to }: MoveTo,
  also: readonly Write[],
): Promise<Bucket | undefined> {
  const now = currentBucket(engine, bucket)
  const asked = (bucketKey ?? prefersBucketKeys(engine, to)) ? 'bucket-key' : 'root'
  const kind = await kindFor(engine, keys, now, { ...to, kind: asked })
  const wanted: WantedSlot = { ...to, kind, own: false }
  if (findOpen(now, wanted)?.id === now.slot) return undefined
  return registered(engine, now, to, (end) =>
    unlessChanged(async () => {
      const current = currentBucket(engine, bucket)
      const next = await under(engine, keys, current, wanted)
      return engine.buckets.replace(current, next, [...end, ...also])
    }),
  )
}

/** Its row changes on its own, too, when a root key has a new version. */
async function unlessChanged<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act()
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !hasCode<ObjectsErrorCode>(error, 'BucketBusy')) throw error
    }
  }
}

async function under(engine: Engine, keys: BucketKeys, bucket: Bucket, wanted: WantedSlot): Promise<Bucket> {
  const found = findOpen(bucket, wanted)
  const slot = found ?? (await slotInPlace(engine, keys, bucket, wanted))
  const base = found ? bucket : withSlot(bucket, slot)
  const { rootKeyCrn, encryption } = wanted
  const moved = {
    ...base,
    ...{ rootKeyCrn, encryption, slot: slot.id },
    slots: base.slots.map((each) => (leaves(each, bucket, slot) ? succeededBy(each, slot) : each)),
  }
  return { ...moved, metadataKey: await keys.rewrapMetadataKey(moved, slot) }
}

/**
 * Everything under the key that the bucket was under, but for what has it as a key of its own. A retired slot, too: something
 * may have come to it at the same time.
 */
const leaves = ({ id, successor, rootKeyCrn, own }: KeySlot, bucket: Bucket, to: KeySlot): boolean =>
  successor === undefined && id !== to.id && rootKeyCrn === bucket.rootKeyCrn && !own

function succeededBy({ retired: _, ...slot }: KeySlot, { id }: KeySlot): KeySlot {
  return { ...slot, successor: id }
}
