import { describe, expect, it } from 'vitest'
import { cachedProvider } from '../../../src/envelope/cached-provider.ts'
import { newDek } from '../../../src/envelope/dek.ts'
import { bucketKeys } from '../../../src/objects/bucket-keys.ts'
import { storeItself } from '../../../src/objects/data-key-audit.ts'
import { firstSlots } from '../../../src/objects/key-slots.ts'
import type { BucketRecord } from '../../../src/objects/records.ts'
import { metadataKeyContext } from '../../../src/objects/wrap-contexts.ts'
import { noAudit } from '../../../src/observe/audit-trail.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { openNonceSource } from '../../../src/storage/metadata/nonce-source.ts'
import { memoryKeyProvider } from '../../support/fakes/memory-key-provider.ts'

const TTL_MS = 60_000
const AAD = Buffer.from('aad')

async function setUp() {
  const kms = memoryKeyProvider()
  const time = { nowMs: 1_000_000 }
  const handedOut: Buffer[] = []
  const cached = cachedProvider(kms.provider, { permitMs: 0, ttlMs: TTL_MS, clock: { now: () => time.nowMs } })
  const provider = {
    ...cached,
    unwrap: async (...args: Parameters<typeof cached.unwrap>) => {
      const answer = await cached.unwrap(...args)
      handedOut.push(answer.dek.bytes)
      return answer
    },
  }
  const serviceInstanceCrn = await kms.newServiceInstance()
  await kms.authorize(serviceInstanceCrn)
  const call = { rootKeyCrn: await kms.newRootKey(), serviceInstanceCrn }
  const id = '11111111-2222-4333-8444-555555555555'
  using key = newDek()
  const bucket: BucketRecord = {
    ...call,
    id,
    name: 'bucket',
    ownerId: 'owner',
    ownerName: 'owner',
    locationConstraint: '',
    encryption: 'customer-managed',
    createdAtMs: 0,
    deleting: false,
    ...firstSlots({ ...call, encryption: 'customer-managed', createdAtMs: 0 }),
    metadataKey: { ...(await provider.wrap(call, key, metadataKeyContext(id))), slot: 0 },
  }
  const nonces = await openNonceSource(memoryStore())
  const keys = bucketKeys({ provider, nonces, audit: noAudit }, storeItself('store.test'))
  kms.calls.length = 0
  return { kms, time, keys, bucket, handedOut }
}

describe('the cipher of a bucket metadata key', () => {
  it('opens what another of the same bucket sealed', async () => {
    const { keys, bucket } = await setUp()
    using sealing = await keys.summaryCipher(bucket)
    using opening = await keys.summaryCipher(bucket)
    expect(opening.open(AAD, sealing.seal(AAD, Buffer.from('text'))).toString()).toBe('text')
  })

  it('leaves no key behind when its use is over, and seals no more', async () => {
    const { keys, bucket, handedOut } = await setUp()
    const cipher = await keys.summaryCipher(bucket)
    cipher.seal(AAD, Buffer.from('text'))
    cipher[Symbol.dispose]()
    expect(handedOut).toEqual([Buffer.alloc(32)])
    expect(() => cipher.seal(AAD, Buffer.from('text'))).toThrow()
  })

  it('lives no longer than a DEK: the key is unwrapped anew when its time is over', async () => {
    const { kms, time, keys, bucket } = await setUp()
    const use = async () => (await keys.summaryCipher(bucket))[Symbol.dispose]()
    await use()
    await use()
    expect(kms.calls).toEqual(['unwrap', 'permit unwrap'])
    time.nowMs += TTL_MS + 1
    kms.calls.length = 0
    await use()
    expect(kms.calls).toEqual(['unwrap'])
  })

  it('is dropped at once when the root key is refused', async () => {
    const { kms, keys, bucket } = await setUp()
    ;(await keys.summaryCipher(bucket))[Symbol.dispose]()
    await kms.disable(bucket.rootKeyCrn)
    await expect(keys.summaryCipher(bucket)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await kms.enable(bucket.rootKeyCrn)
    kms.calls.length = 0
    ;(await keys.summaryCipher(bucket))[Symbol.dispose]()
    expect(kms.calls).toEqual(['unwrap'])
  })
})
