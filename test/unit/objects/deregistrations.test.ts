import { describe, expect, it } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import type { KeyProviderErrorCode } from '../../../src/envelope/key-provider.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { type TestEngineOptions, testEngine } from '../../support/engine.ts'

/** Registrations as a key management service keeps them: they outlive the engine. */
function registry() {
  const held = new Set<string>()
  const refusals: KeyProviderErrorCode[] = []
  const refuse = (): void => {
    const [code] = refusals
    if (code) throw new CodedError<KeyProviderErrorCode>(code, 'made by the test')
  }
  const nameOf = (registration: { readonly rootKeyCrn: string; readonly resourceCrn: string }) =>
    `${registration.rootKeyCrn} ${registration.resourceCrn}`
  const provider: NonNullable<TestEngineOptions['provider']> = (inner) => ({
    ...inner,
    register: async (_call, registration) => void held.add(nameOf(registration)),
    deregister: async (_call, registration) => {
      refuse()
      held.delete(nameOf(registration))
    },
  })
  return { held, refusals, provider }
}

const waiting = async (stored: MetadataStore): Promise<number> =>
  (await stored.range(SPACE.deregistration, { gte: Buffer.alloc(0), lt: Buffer.alloc(9, 0xff), limit: 10 })).length

describe('the registration of a deleted bucket', () => {
  it('ends with it, and nothing waits', async () => {
    const { held, provider } = registry()
    const { objects, makeBucket, stored } = await testEngine({ provider })
    const bucket = await makeBucket()
    expect([held.size, await waiting(stored)]).toEqual([1, 0])
    await objects.deleteBucket(bucket)
    expect([held.size, await waiting(stored)]).toEqual([0, 0])
  })

  it.each(['KeyAccessDenied', 'KeyProviderUnavailable'] as const)(
    'waits while the provider says %s, and ends at the next start',
    async (code) => {
      const { held, refusals, provider } = registry()
      const { objects, makeBucket, stored, disk, failures } = await testEngine({ provider })
      const bucket = await makeBucket()
      refusals.push(code)
      await objects.deleteBucket(bucket)
      expect(objects.buckets.find('bucket')).toBeUndefined()
      expect([held.size, await waiting(stored)]).toEqual([1, 1])
      refusals.length = 0
      const next = await testEngine({ provider, stored, disk, lease: '1'.repeat(16) })
      await next.objects.swept
      expect([held.size, await waiting(stored)]).toEqual([0, 0])
      expect(failures).toEqual([])
    },
  )

  it('is gone with its key', async () => {
    const { refusals, provider } = registry()
    const { objects, makeBucket, stored } = await testEngine({ provider })
    const bucket = await makeBucket()
    refusals.push('RootKeyNotFound')
    await objects.deleteBucket(bucket)
    expect(await waiting(stored)).toBe(0)
  })

  it('ends when another bucket of the same key is made', async () => {
    const { held, refusals, provider } = registry()
    const { objects, makeBucket, newBucket, stored } = await testEngine({ provider })
    const bucket = await makeBucket()
    refusals.push('KeyProviderUnavailable')
    await objects.deleteBucket(bucket)
    refusals.length = 0
    await objects.createBucket({ ...newBucket, name: 'other' })
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    expect([held.size, await waiting(stored)]).toEqual([1, 0])
    expect([...held][0]).toMatch(/:bucket:other$/)
  })

  it('stays when a bucket of that name is made again under the key before it could end', async () => {
    const { held, refusals, provider } = registry()
    const { objects, makeBucket, stored, disk } = await testEngine({ provider })
    const bucket = await makeBucket()
    refusals.push('KeyAccessDenied')
    await objects.deleteBucket(bucket)
    await makeBucket()
    refusals.length = 0
    const next = await testEngine({ provider, stored, disk, lease: '1'.repeat(16) })
    await next.objects.swept
    expect([held.size, await waiting(stored)]).toEqual([1, 0])
  })

  it('ends after a crash between the removal of the bucket and its end', async () => {
    const { held, provider } = registry()
    const stopped = Promise.withResolvers<void>()
    const { objects, makeBucket, stored, disk } = await testEngine({
      provider: (inner) => ({ ...provider(inner), deregister: () => stopped.promise }),
    })
    void objects.deleteBucket(await makeBucket())
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    expect([objects.buckets.find('bucket'), held.size]).toEqual([undefined, 1])
    const next = await testEngine({ provider, stored, disk, lease: '1'.repeat(16) })
    await next.objects.swept
    expect([held.size, await waiting(stored)]).toEqual([0, 0])
  })
})

describe('the registration of a bucket that never came to be', () => {
  it('ends after a crash between the registration and the creation', async () => {
    const { held, provider } = registry()
    const stopped = Promise.withResolvers<boolean>()
    const { makeBucket, stored, disk } = await testEngine({
      provider,
      metadata: (inner) => ({
        ...inner,
        commit: (writes) =>
          writes.some((write) => write.type === 'put' && write.space === SPACE.bucket)
            ? stopped.promise
            : inner.commit(writes),
      }),
    })
    void makeBucket()
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    expect(held.size).toBe(1)
    const next = await testEngine({ provider, stored, disk, lease: '1'.repeat(16) })
    await next.objects.swept
    expect([held.size, await waiting(stored)]).toEqual([0, 0])
  })
})
