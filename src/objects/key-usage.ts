import type { Bucket } from './buckets.ts'
import type { Encryption } from './encrypting.ts'
import type { Engine } from './engine.ts'
import { findSlot, type KeySlot, rootVersionOf, slotOf } from './key-slots.ts'
import { readCounter, sumOf, type Totals, type UsageCount, usagePrefix } from './usage.ts'

/** What lies under one version of a root key, directly or under a bucket key that it wraps. */
export interface VersionUsage extends Totals {
  readonly keyVersion: string
  readonly metadataKeys: number
  readonly bucketKeys: number
}

export interface KeyUsage {
  readonly rootKeyCrn: string
  /** Versions that something lies under. None: the key is not used. */
  readonly versions: readonly VersionUsage[]
  readonly buckets: readonly BucketUse[]
}

export interface BucketUse {
  readonly name: string
  /** Wraps what is new in the bucket. Such a bucket uses the key even while it is empty. */
  readonly current: boolean
  readonly versions: readonly VersionUsage[]
}

export async function bucketUsage({ metadata }: Pick<Engine, 'metadata'>, { id }: Bucket): Promise<Totals> {
  return sumOf((await metadata.counters(usagePrefix(id))).map(readCounter))
}

export type EncryptionUsage = Readonly<Record<Encryption, Totals>>

/** By who decides about the root keys, of all these buckets. */
export async function encryptionUsage(
  { metadata }: Pick<Engine, 'metadata'>,
  buckets: readonly Bucket[],
): Promise<EncryptionUsage> {
  const byEncryption: Record<Encryption, UsageCount[]> = { 'provider-managed': [], 'customer-managed': [] }
  for (const bucket of buckets) {
    for (const count of (await metadata.counters(usagePrefix(bucket.id))).map(readCounter)) {
      byEncryption[findSlot(bucket, count.slot)?.encryption ?? bucket.encryption].push(count)
    }
  }
  return {
    'provider-managed': sumOf(byEncryption['provider-managed']),
    'customer-managed': sumOf(byEncryption['customer-managed']),
  }
}

/** Throws MetadataCorrupt while there is a bucket that cannot be read: whatever key it needs would seem to be free. */
export async function keyUsage(
  { metadata, buckets }: Pick<Engine, 'metadata' | 'buckets'>,
  rootKeyCrn: string,
): Promise<KeyUsage> {
  const [unreadable] = buckets.damaged()
  if (unreadable !== undefined) buckets.get(unreadable)
  const uses: BucketUse[] = []
  for (const { name } of buckets.all()) {
    const bucket = buckets.find(name)
    if (!bucket?.slots.some((slot) => slot.rootKeyCrn === rootKeyCrn)) continue
    const counts = (await metadata.counters(usagePrefix(bucket.id))).map(readCounter)
    uses.push(useOf(bucket, rootKeyCrn, counts))
  }
  return ofBuckets(rootKeyCrn, uses)
}

/** The uses of some buckets, summed. */
export const ofBuckets = (rootKeyCrn: string, buckets: readonly BucketUse[]): KeyUsage => ({
  rootKeyCrn,
  versions: merged(buckets.flatMap(({ versions }) => versions)),
  buckets,
})

function useOf(bucket: Bucket, rootKeyCrn: string, counts: readonly UsageCount[]): BucketUse {
  const ours = bucket.slots.filter((slot) => slot.rootKeyCrn === rootKeyCrn)
  const versions = ours.flatMap((slot) => [
    ...counts
      .filter((count) => count.slot === slot.id)
      .map((count) => ({ ...nothing(rootVersionOf(slot, count)), [count.counted]: count.value })),
    ...ownKeys(bucket, slot),
  ])
  const current = slotOf(bucket, bucket.slot).rootKeyCrn === rootKeyCrn
  return { name: bucket.name, current, versions: merged(versions) }
}

/** The keys of the bucket itself in a slot. */
function ownKeys({ metadataKey }: Bucket, slot: KeySlot): VersionUsage[] {
  const keys: VersionUsage[] = []
  if (metadataKey.slot === slot.id) keys.push({ ...nothing(rootVersionOf(slot, metadataKey)), metadataKeys: 1 })
  if (slot.kind === 'bucket-key') keys.push({ ...nothing(slot.wrapped.keyVersion), bucketKeys: 1 })
  return keys
}

const nothing = (keyVersion: string): VersionUsage => ({
  ...{ keyVersion, objects: 0, bytes: 0, uploads: 0 },
  ...{ metadataKeys: 0, bucketKeys: 0 },
})

function merged(parts: readonly VersionUsage[]): VersionUsage[] {
  const byVersion = new Map<string, VersionUsage>()
  for (const part of parts) {
    const sum = byVersion.get(part.keyVersion) ?? nothing(part.keyVersion)
    byVersion.set(part.keyVersion, {
      keyVersion: part.keyVersion,
      objects: sum.objects + part.objects,
      bytes: sum.bytes + part.bytes,
      uploads: sum.uploads + part.uploads,
      metadataKeys: sum.metadataKeys + part.metadataKeys,
      bucketKeys: sum.bucketKeys + part.bucketKeys,
    })
  }
  return [...byVersion.values()].sort((a, b) => (a.keyVersion < b.keyVersion ? -1 : 1))
}
