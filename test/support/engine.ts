import type { KeyProvider } from '../../src/envelope/key-provider.ts'
import type { NewBucket } from '../../src/objects/bucket-lifecycle.ts'
import type { Bucket } from '../../src/objects/buckets.ts'
import type { DataKeyAudit } from '../../src/objects/data-key-audit.ts'
import type { BucketKeyState } from '../../src/objects/key-checks.ts'
import type { LifecycleOptions } from '../../src/objects/lifecycle/lifecycle.ts'
import type { NotificationOptions } from '../../src/objects/notifications/notifications.ts'
import { type Objects, openObjects } from '../../src/objects/objects.ts'
import type { ReplicationOptions } from '../../src/objects/replication/replications.ts'
import type { RewrapOptions } from '../../src/objects/rewraps.ts'
import type { ScrubOptions } from '../../src/objects/verify/scrub.ts'
import type { BlobId, BlobStore } from '../../src/storage/blob/blob-store.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../src/storage/metadata/metadata-store.ts'
import { openNonceSource } from '../../src/storage/metadata/nonce-source.ts'
import { memoryBlobStore } from './fakes/memory-blob-store.ts'
import { memoryKeyProvider } from './fakes/memory-key-provider.ts'

export interface TestEngineOptions {
  readonly stored?: MetadataStore
  readonly disk?: Map<BlobId, Buffer>
  readonly lease?: string
  /** Stands between the engine and its store, to make it fail. */
  readonly metadata?: (inner: MetadataStore) => MetadataStore
  readonly blobs?: (inner: BlobStore) => BlobStore
  readonly provider?: (inner: KeyProvider) => KeyProvider
  readonly keepOrphans?: boolean
  readonly maxReadAheads?: number
  readonly audit?: DataKeyAudit
  readonly lifecycle?: Partial<LifecycleOptions>
  readonly notifications?: NotificationOptions
  readonly replication?: ReplicationOptions
  readonly storageClasses?: ReadonlyMap<string, BlobStore>
  readonly rewrap?: Partial<RewrapOptions>
  readonly scrub?: Partial<ScrubOptions>
  readonly keyCheckMs?: number
  /** What the clock says at first. */
  readonly nowMs?: number
  /** Of another engine over the same store. */
  readonly kms?: ReturnType<typeof memoryKeyProvider>
}

/** The object engine alone, over memory, with a clock that stands still and a key service to command. */
export async function testEngine(options: TestEngineOptions = {}) {
  const stored = options.stored ?? memoryStore()
  const disk = options.disk ?? new Map<BlobId, Buffer>()
  const kms = options.kms ?? memoryKeyProvider()
  const serviceInstanceCrn = await kms.newServiceInstance()
  await kms.authorize(serviceInstanceCrn)
  const time = { nowMs: options.nowMs ?? 1_700_000_000_000 }
  const failures: unknown[] = []
  const keyChanges: BucketKeyState[] = []
  const same = <T>(inner: T): T => inner
  const objects: Objects = await openObjects({
    metadata: (options.metadata ?? same)(stored),
    blobs: (options.blobs ?? same)(memoryBlobStore(options.lease ?? '0'.repeat(16), disk)),
    provider: (options.provider ?? same)(kms.provider),
    nonces: await openNonceSource(stored),
    clock: { now: () => time.nowMs },
    onBackgroundError: (error) => void failures.push(error),
    minPartBytes: 1,
    keepOrphans: options.keepOrphans ?? false,
    ...(options.audit === undefined ? {} : { audit: options.audit }),
    ...(options.lifecycle === undefined ? {} : { lifecycle: options.lifecycle }),
    ...(options.notifications === undefined ? {} : { notifications: options.notifications }),
    ...(options.replication === undefined ? {} : { replication: options.replication }),
    ...(options.storageClasses === undefined ? {} : { storageClasses: options.storageClasses }),
    scrub: { mibPerSecond: 0, busy: () => false, ...options.scrub },
    rewrap: { perSecond: 0, retryMs: 60_000, ...options.rewrap },
    onKeyChange: (state) => void keyChanges.push(state),
    ...(options.keyCheckMs === undefined ? {} : { keyCheckMs: options.keyCheckMs }),
    ...(options.maxReadAheads === undefined ? {} : { maxReadAheads: options.maxReadAheads }),
  })
  const newBucket: NewBucket = {
    name: 'bucket',
    serviceInstanceCrn,
    ownerId: 'owner',
    ownerName: 'owner',
    locationConstraint: '',
    encryption: 'customer-managed',
    rootKeyCrn: await kms.newRootKey(),
  }
  return {
    objects,
    stored,
    disk,
    kms,
    time,
    failures,
    keyChanges,
    newBucket,
    makeBucket: () => objects.createBucket(newBucket),
  }
}

export const bodyOf = (bytes: Buffer | string, lengthBytes: number | undefined = Buffer.byteLength(bytes)) => ({
  stream: (async function* () {
    yield Buffer.from(bytes)
  })(),
  lengthBytes,
})

export const plain = { attributes: { headers: {}, userMetadata: {} }, conditions: {} }

export async function readAll(objects: Objects, bucket: Bucket, key: string): Promise<string> {
  using object = await objects.open({ bucket, key })
  const chunks: Buffer[] = []
  for await (const chunk of object.read({ start: 0, end: object.manifest.sizeBytes })) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}
