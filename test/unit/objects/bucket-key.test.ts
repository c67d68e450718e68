import { describe, expect, it } from 'vitest'
import { cachedProvider } from '../../../src/envelope/cached-provider.ts'
import { slotOf } from '../../../src/objects/key-slots.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

async function setUp(options: { readonly bucketKey?: boolean; readonly prefers?: boolean } = {}) {
  const time = { nowMs: 1 }
  const test = await testEngine({
    provider: (inner) => ({
      ...cachedProvider(inner, { permitMs: 0, clock: { now: () => time.nowMs } }),
      ...(options.prefers === undefined ? {} : { prefersBucketKeys: () => options.prefers ?? false }),
    }),
  })
  const { objects, newBucket } = test
  const bucket = await objects.createBucket(
    options.bucketKey === undefined ? newBucket : { ...newBucket, bucketKey: options.bucketKey },
  )
  const put = (key: string, bucketKey?: boolean) =>
    objects.put({ bucket, key, body: bodyOf(key), ...plain, encrypting: { bucketKey } })
  const now = () => objects.buckets.get('bucket')
  return { ...test, bucket, put, now }
}

describe('a bucket with a key of its own', () => {
  it('is made as the client says, or else as the key provider prefers', async () => {
    const kindOf = async (options: Parameters<typeof setUp>[0]) => {
      const { now } = await setUp(options)
      return slotOf(now(), now().slot).kind
    }
    expect(await kindOf({})).toBe('root')
    expect(await kindOf({ prefers: true })).toBe('bucket-key')
    expect(await kindOf({ prefers: true, bucketKey: false })).toBe('root')
    expect(await kindOf({ prefers: false, bucketKey: true })).toBe('bucket-key')
  })

  it('wraps and unwraps nothing at the provider while its key is cached', async () => {
    const { objects, kms, bucket, put } = await setUp({ bucketKey: true })
    kms.calls.length = 0
    for (let at = 0; at < 50; at++) {
      await put(`k${at}`)
      expect(await readAll(objects, bucket, `k${at}`)).toBe(`k${at}`)
      await objects.list({ bucket, prefix: '', delimiter: '', after: '', limit: 1000 })
    }
    const work = kms.calls.filter((call) => !call.startsWith('permit'))
    // The metadata key was wrapped under it already.
    expect(work).toEqual([])
  })

  it('asks the root key at every use', async () => {
    const { objects, kms, newBucket, bucket, put } = await setUp({ bucketKey: true })
    await put('k')
    await kms.disable(newBucket.rootKeyCrn)
    await expect(put('l')).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await expect(objects.open({ bucket, key: 'k' })).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    const { items } = await objects.list({ bucket, prefix: '', delimiter: '', after: '', limit: 10 })
    expect(items).toEqual([expect.not.objectContaining({ summary: expect.anything() })])
    await kms.enable(newBucket.rootKeyCrn)
    expect(await readAll(objects, bucket, 'k')).toBe('k')
  })

  it('takes nothing new under a root key that only unwraps', async () => {
    const test = await testEngine()
    const { rootKeyCrn, expire } = await test.kms.expiringKey()
    const bucket = await test.objects.createBucket({ ...test.newBucket, rootKeyCrn, bucketKey: true })
    await test.objects.put({ bucket, key: 'k', body: bodyOf('k'), ...plain })
    await expire()
    const putting = test.objects.put({ bucket, key: 'l', body: bodyOf('l'), ...plain })
    await expect(putting).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    expect(await readAll(test.objects, bucket, 'k')).toBe('k')
  })

  it('counts what lies under it to the version of the root key that wraps it', async () => {
    const { objects, kms, newBucket, put, now } = await setUp({ bucketKey: true })
    await put('abc')
    await kms.rotate(newBucket.rootKeyCrn)
    await put('de')
    const slot = slotOf(now(), 0)
    const keyVersion = slot.kind === 'bucket-key' ? slot.wrapped.keyVersion : ''
    const { versions } = await objects.keyUsage(newBucket.rootKeyCrn)
    expect(versions).toEqual([{ keyVersion, objects: 2, bytes: 5, uploads: 0, metadataKeys: 1, bucketKeys: 1 }])
  })
})

describe('one object under a bucket key', () => {
  it('may be where the others are not, and the other way round', async () => {
    for (const bucketKey of [true, false]) {
      const { objects, bucket, put, now } = await setUp({ bucketKey: !bucketKey })
      await put('before')
      const [first, second] = await Promise.all([put('one', bucketKey), put('two', bucketKey)])
      await put('after')
      expect(first?.protection).toMatchObject({ bucketKey })
      expect(second?.protection).toMatchObject({ bucketKey })
      expect(now().slots).toHaveLength(2)
      for (const key of ['before', 'one', 'two', 'after']) expect(await readAll(objects, bucket, key)).toBe(key)
      using before = await objects.open({ bucket, key: 'before' })
      expect(before.protection.bucketKey).toBe(!bucketKey)
      expect((await objects.recount()).differences).toEqual([])
    }
  })

  it('may be an upload in parts', async () => {
    const { objects, bucket } = await setUp({ bucketKey: false })
    const { uploadId } = await objects.createUpload({ bucket, key: 'k', ...plain, encrypting: { bucketKey: true } })
    const part = await objects.uploadPart(await objects.findUpload({ bucket, key: 'k', uploadId }), 1, bodyOf('part'))
    await objects.completeUpload({
      bucket,
      key: 'k',
      uploadId,
      parts: [{ number: 1, etag: part.etag }],
      conditions: {},
    })
    using object = await objects.open({ bucket, key: 'k' })
    expect(object.protection.bucketKey).toBe(true)
    expect(await readAll(objects, bucket, 'k')).toBe('part')
  })
})
