import { createSerial } from '../base/serial.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import type { Configurations } from './bucket-configurations.ts'
import type { Bucket } from './buckets.ts'
import { ObjectsError } from './errors.ts'
import { type KeyState, readKey, replacedBytes } from './key-versions.ts'
import { readCounter, sumOf, usagePrefix } from './usage.ts'

/**
 * Hard quotas, from the exact counters. A bucket without one costs nothing. What does not make a bucket larger is let
 * through, also where it holds more than a quota that was set later.
 */
export interface Quotas {
  /**
   * Before the commit that adds so many bytes, on condition that the key is as in `state`. They count as used until
   * disposed, which must be after that commit: so the quota is kept however many commits there are at a time. Throws
   * QuotaExceeded.
   */
  readonly reserve: (bucket: Bucket, key: string, state: KeyState, addedBytes: number) => Promise<Disposable>
  /** Before the body of an object or a part is read: throws QuotaExceeded for what could not be kept as things are now. */
  readonly foresee: (bucket: Bucket, key: string, sizeBytes: number | undefined) => Promise<void>
}

interface Reservation extends Disposable {
  readonly bytes: number
  readonly ended: Promise<void>
}

const NOTHING: Disposable = { [Symbol.dispose]: () => {} }

export function openQuotas(metadata: MetadataStore, configurations: Pick<Configurations, 'of'>): Quotas {
  const oneByOne = createSerial()
  const outstanding = new Map<string, Set<Reservation>>()

  const usedBytes = async (bucket: Bucket): Promise<number> =>
    sumOf((await metadata.counters(usagePrefix(bucket.id))).map(readCounter)).bytes
  const quotaOf = (bucket: Bucket): number | undefined => configurations.of(bucket).hardQuotaBytes

  /** What was to be replaced is not there any more: what it would have made room for says nothing. */
  const isStale = async (bucket: Bucket, key: string, { head, history }: KeyState): Promise<boolean> => {
    const now = await readKey(metadata, bucket, key)
    return now.head?.token !== head?.token || now.history?.token !== history?.token
  }

  /** One at a time for each bucket, so that no reservation begins while another one is decided. */
  const decide = async (bucket: Bucket, key: string, state: KeyState, addedBytes: number): Promise<Disposable> => {
    for (;;) {
      const quota = quotaOf(bucket)
      if (quota === undefined) return NOTHING
      // Taken before the counters are read: what is committed meanwhile may be counted twice, and is never missed.
      const others = [...(outstanding.get(bucket.id) ?? [])]
      const reserved = others.reduce((sum, { bytes }) => sum + bytes, 0)
      if ((await usedBytes(bucket)) + reserved + addedBytes <= quota) break
      // Its commit will not take place.
      if (await isStale(bucket, key, state)) return NOTHING
      // Nobody is refused for the sake of what may come to nothing.
      if (others.length === 0) throw exceeded(quota)
      await Promise.race(others.map(({ ended }) => ended))
    }
    return reservation(outstanding, bucket.id, addedBytes)
  }

  return {
    reserve: async (bucket, key, state, addedBytes) => {
      if (quotaOf(bucket) === undefined || addedBytes <= 0) return NOTHING
      return oneByOne.run(bucket.id, () => decide(bucket, key, state, addedBytes))
    },
    foresee: async (bucket, key, sizeBytes) => {
      const quota = quotaOf(bucket)
      if (quota === undefined || sizeBytes === undefined) return
      const state = await readKey(metadata, bucket, key)
      const addedBytes = sizeBytes - (await replacedBytes(metadata, bucket, key, state))
      if (addedBytes <= 0 || (await usedBytes(bucket)) + addedBytes <= quota) return
      if (!(await isStale(bucket, key, state))) throw exceeded(quota)
    },
  }
}

function reservation(outstanding: Map<string, Set<Reservation>>, bucketId: string, bytes: number): Disposable {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const all = outstanding.get(bucketId) ?? new Set()
  const made: Reservation = {
    bytes,
    ended,
    [Symbol.dispose]: () => {
      all.delete(made)
      if (all.size === 0) outstanding.delete(bucketId)
      resolve()
    },
  }
  outstanding.set(bucketId, all.add(made))
  return made
}

const exceeded = (quotaBytes: number): ObjectsError =>
  new ObjectsError('QuotaExceeded', `The bucket would hold more than its hard quota of ${quotaBytes} bytes.`, {
    details: { quotaBytes },
  })
