import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { cachedProvider } from '../../../src/envelope/cached-provider.ts'
import type { KeyProvider } from '../../../src/envelope/key-provider.ts'
import { rowsUnder, SPACE } from '../../../src/objects/keyspace.ts'
import { decodeObject, encodeObject } from '../../../src/objects/records.ts'
import { readCounter } from '../../../src/objects/usage.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { bodyOf, plain, readAll, type TestEngineOptions, testEngine } from '../../support/engine.ts'

const everything = { gte: Buffer.alloc(0), lt: rowsUnder(Buffer.from([0xff])).lt, limit: 1_000_000 }

async function setUp(options: TestEngineOptions & { readonly bucketKey?: boolean } = {}) {
  const registrations = new Set<string>()
  const registeredVersions: string[] = []
  const test = await testEngine({
    ...options,
    provider: (inner): KeyProvider => ({
      ...inner,
      register: async (_call, { rootKeyCrn, keyVersion }) => {
        registrations.add(rootKeyCrn)
        if (keyVersion !== undefined) registeredVersions.push(keyVersion)
      },
      deregister: async (_call, { rootKeyCrn }) => void registrations.delete(rootKeyCrn),
    }),
  })
  const { objects, kms, newBucket } = test
  const bucket = await objects.createBucket({ ...newBucket, bucketKey: options.bucketKey ?? false })
  const now = () => objects.buckets.get('bucket')
  const put = (key: string, text = key) => objects.put({ bucket: now(), key, body: bodyOf(text), ...plain })
  const fill = async (count: number): Promise<string[]> => {
    const keys = Array.from({ length: count }, (_, at) => `k${at}`)
    for (const key of keys) await put(key)
    return keys
  }
  const startUpload = async (key: string) => {
    const { uploadId } = await objects.createUpload({ bucket: now(), key, ...plain })
    return () => objects.findUpload({ bucket: now(), key, uploadId })
  }
  const complete = async (find: Awaited<ReturnType<typeof startUpload>>, text: string) => {
    const upload = await find()
    const part = await objects.uploadPart(upload, 1, bodyOf(text))
    const { key, uploadId } = upload
    const parts = [{ number: 1, etag: part.etag }]
    await objects.completeUpload({ bucket: now(), key, uploadId, parts, conditions: {} })
  }
  const versionsOf = async (rootKeyCrn: string) => (await objects.keyUsage(rootKeyCrn)).versions
  const jobOf = () => objects.rewraps.jobs()[0]
  const moveTo = async (rootKeyCrn: string, bucketKey = false) => {
    await objects.moveBucket(now(), { encryption: 'customer-managed', rootKeyCrn, bucketKey })
  }
  const look = async () => {
    const { items } = await objects.list({ bucket: now(), prefix: '', delimiter: '', after: '', limit: 1000 })
    return items
  }
  const key = newBucket.rootKeyCrn
  return {
    ...test,
    ...{
      bucket,
      registrations,
      registeredVersions,
      now,
      put,
      fill,
      startUpload,
      complete,
      versionsOf,
      jobOf,
      moveTo,
      look,
      key,
      kms,
    },
  }
}

describe('rewrapping after a rotation', () => {
  it('leaves nothing under the old version, and changes nothing that a client sees', async () => {
    const { objects, bucket, kms, fill, startUpload, complete, versionsOf, look, jobOf, key } = await setUp()
    const keys = await fill(300)
    const upload = await startUpload('upload')
    const before = await look()
    await kms.rotate(key)
    await objects.rewraps.start(bucket)
    await objects.rewraps.idle()
    expect(jobOf()).toMatchObject({ state: 'done', examined: 301, rewrapped: 301 })
    expect(await versionsOf(key)).toEqual([
      expect.objectContaining({ objects: 300, uploads: 1, metadataKeys: 1, bucketKeys: 0 }),
    ])
    expect(await look()).toEqual(before)
    for (const each of keys) expect(await readAll(objects, bucket, each)).toBe(each)
    await complete(upload, 'whole')
    expect(await readAll(objects, bucket, 'upload')).toBe('whole')
    expect((await objects.recount()).differences).toEqual([])
  })

  it('tells the new version to the key service, where the bucket is registered', async () => {
    const { objects, bucket, kms, fill, registeredVersions, key } = await setUp()
    await fill(3)
    await kms.rotate(key)
    await objects.rewraps.start(bucket)
    await objects.rewraps.idle()
    expect(registeredVersions).toEqual([(await kms.provider.describe({ ...bucket, rootKeyCrn: key })).keyVersion])
  })

  it('gives a bucket a new bucket key, and asks the provider for nothing else', async () => {
    const { objects, bucket, now, kms, fill, versionsOf, key } = await setUp({ bucketKey: true })
    const keys = await fill(100)
    await kms.rotate(key)
    kms.calls.length = 0
    await objects.rewraps.start(bucket)
    await objects.rewraps.idle()
    expect(kms.calls.filter((call) => ['wrap', 'rewrap'].includes(call))).toEqual(['wrap'])
    expect(now().slots).toMatchObject([{ id: 1, kind: 'bucket-key' }])
    expect(await versionsOf(key)).toEqual([expect.objectContaining({ objects: 100, metadataKeys: 1, bucketKeys: 1 })])
    for (const each of keys) expect(await readAll(objects, bucket, each)).toBe(each)
  })

  it('begins by itself when a use shows that the key was rotated', async () => {
    const { objects, bucket, kms, fill, versionsOf, jobOf, key } = await setUp({ rewrap: { automatic: true } })
    await fill(5)
    await kms.rotate(key)
    expect(jobOf()).toBeUndefined()
    await readAll(objects, bucket, 'k1')
    await objects.rewraps.idle()
    expect(jobOf()?.state).toBe('done')
    expect(await versionsOf(key)).toHaveLength(1)
  })

  it('begins by itself when something new is wrapped, though all that is read is in the memory of earlier answers', async () => {
    const { objects, kms, newBucket } = await testEngine({
      rewrap: { automatic: true },
      provider: (inner) => cachedProvider(inner, { permitMs: 60_000 }),
    })
    await objects.createBucket({ ...newBucket, bucketKey: false })
    const put = () => objects.put({ bucket: objects.buckets.get('bucket'), key: 'k', body: bodyOf('k'), ...plain })
    await put()
    await kms.rotate(newBucket.rootKeyCrn)
    await put()
    await objects.rewraps.idle()
    expect(objects.rewraps.jobs()).toMatchObject([{ state: 'done' }])
    expect((await objects.keyUsage(newBucket.rootKeyCrn)).versions).toHaveLength(1)
    await objects.close()
  })

  it.each([false, true])('begins by itself at a check of the keys (bucket key: %s)', async (bucketKey) => {
    const { objects, kms, fill, versionsOf, jobOf, key } = await setUp({ bucketKey, rewrap: { automatic: true } })
    await fill(5)
    await kms.rotate(key)
    objects.keyChecks.doubt(key)
    await objects.keyChecks.idle()
    await objects.rewraps.idle()
    expect(jobOf()?.state).toBe('done')
    expect(await versionsOf(key)).toHaveLength(1)
  })

  it.each([false, true])(
    'begins anew at once when the key is rotated again right after (bucket key: %s)',
    async (bucketKey) => {
      const options = { bucketKey, rewrap: { automatic: true } }
      const { objects, bucket, kms, fill, versionsOf, key } = await setUp(options)
      await fill(5)
      for (let rotation = 0; rotation < 3; rotation++) {
        await kms.rotate(key)
        await readAll(objects, bucket, 'k1')
        await objects.rewraps.idle()
        const { keyVersion } = await kms.provider.describe({ ...bucket, rootKeyCrn: key })
        expect(await versionsOf(key)).toEqual([expect.objectContaining({ keyVersion, objects: 5 })])
      }
    },
  )

  it('takes up a rotation that a use shows while its last step is under way', async () => {
    const held = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    let old = ''
    const { objects, bucket, kms, put, fill, versionsOf, key } = await setUp({
      rewrap: { automatic: true },
      metadata: (inner) => ({
        ...inner,
        counters: async (prefix) => {
          const counters = await inner.counters(prefix)
          // Of the look whether anything is left: the versions are known by then.
          const versions = counters.map((row) => readCounter(row).keyVersion)
          if (old && versions.length > 0 && !versions.includes(old)) {
            old = ''
            reached.resolve()
            await held.promise
          }
          return counters
        },
      }),
    })
    await fill(5)
    old = bucket.metadataKey.keyVersion
    await kms.rotate(key)
    await readAll(objects, bucket, 'k1')
    await reached.promise
    await kms.rotate(key)
    await put('new')
    held.resolve()
    await objects.rewraps.idle()
    const { keyVersion } = await kms.provider.describe({ ...bucket, rootKeyCrn: key })
    expect(await versionsOf(key)).toEqual([expect.objectContaining({ keyVersion, objects: 6 })])
  })

  it('is begun for every bucket of a root key', async () => {
    const { objects, newBucket, kms, fill, versionsOf, key } = await setUp()
    await fill(3)
    const other = await objects.createBucket({ ...newBucket, name: 'other', bucketKey: true })
    await objects.put({ bucket: other, key: 'k', body: bodyOf('k'), ...plain })
    await objects.createBucket({ ...newBucket, name: 'third', rootKeyCrn: await kms.newRootKey() })
    await kms.rotate(key)
    const jobs = await objects.rewraps.startOfKey(key)
    expect(jobs.map((job) => job.bucket).sort()).toEqual(['bucket', 'other'])
    await objects.rewraps.idle()
    expect(await versionsOf(key)).toEqual([expect.objectContaining({ objects: 4 })])
  })

  it('waits for a root key that may not be used, and goes on when it may', async () => {
    const { objects, bucket, kms, fill, versionsOf, jobOf, key } = await setUp()
    await fill(3)
    await kms.rotate(key)
    await kms.disable(key)
    await objects.rewraps.start(bucket)
    await objects.rewraps.idle()
    expect(jobOf()).toMatchObject({ state: 'running', problem: 'RootKeyDisabled' })
    await kms.enable(key)
    objects.rewraps.wake()
    await objects.rewraps.idle()
    expect(jobOf()?.state).toBe('done')
    expect(jobOf()).not.toHaveProperty('problem')
    expect(await versionsOf(key)).toHaveLength(1)
  })

  it('passes over what does not open, and then fails', async () => {
    const { objects, bucket, stored, kms, fill, versionsOf, jobOf, key } = await setUp()
    await fill(10)
    const rows = await stored.range(SPACE.head, everything)
    const row = rows[4]
    if (!row) throw new Error('no row')
    const record = decodeObject(row.value)
    const wrappedDek = { ...record.wrappedDek, ciphertext: Buffer.alloc(120) }
    await stored.commit([
      { type: 'put', space: SPACE.head, key: row.key, value: encodeObject({ ...record, wrappedDek }) },
    ])
    await kms.rotate(key)
    await objects.rewraps.start(bucket)
    await objects.rewraps.idle()
    expect(jobOf()).toMatchObject({ state: 'failed', problem: 'WrappedDekForged', rewrapped: 9 })
    expect((await versionsOf(key)).map((version) => version.objects).sort()).toEqual([1, 9])
  })
})

describe('rewrapping on demand', () => {
  it('finds nothing to do where all is well', async () => {
    const { objects, bucket, fill, jobOf } = await setUp()
    await fill(3)
    await objects.rewraps.start(bucket)
    await objects.rewraps.idle()
    expect(jobOf()).toMatchObject({ state: 'done', examined: 3, rewrapped: 0 })
  })

  it('is paused, goes on, and can only be either when it was begun', async () => {
    const { objects, bucket, kms, fill, versionsOf, jobOf, key } = await setUp({ rewrap: { perSecond: 200 } })
    await expect(objects.rewraps.pause(bucket)).rejects.toMatchObject({ code: 'NoSuchRewrap' })
    await expect(objects.rewraps.resume(bucket)).rejects.toMatchObject({ code: 'NoSuchRewrap' })
    await fill(450)
    await kms.rotate(key)
    await objects.rewraps.start(bucket)
    expect((await objects.rewraps.pause(bucket)).state).toBe('paused')
    await objects.rewraps.idle()
    const paused = jobOf()
    expect(paused?.rewrapped).toBeLessThan(450)
    expect(await versionsOf(key)).toHaveLength(2)
    expect((await objects.rewraps.resume(bucket)).state).toBe('running')
    await objects.rewraps.idle()
    expect(jobOf()).toMatchObject({ state: 'done', rewrapped: 450 })
    expect(await versionsOf(key)).toHaveLength(1)
  })

  it('is cancelled, stays so after a restart and what uses show, and leaves all of it readable, until it is begun anew', async () => {
    const stored = memoryStore()
    const options = { stored, rewrap: { perSecond: 200, automatic: true, retryMs: 1 } }
    const first = await setUp(options)
    await expect(first.objects.rewraps.cancel(first.bucket)).rejects.toMatchObject({ code: 'NoSuchRewrap' })
    const keys = await first.fill(450)
    await first.kms.rotate(first.key)
    await first.objects.rewraps.start(first.bucket)
    expect(await first.objects.rewraps.cancel(first.bucket)).toMatchObject({ state: 'cancelled' })
    await first.objects.rewraps.idle()
    expect(first.jobOf()).toMatchObject({ state: 'cancelled', finishedAtMs: expect.any(Number) })
    expect((await first.objects.rewraps.resume(first.bucket)).state).toBe('cancelled')
    expect((await first.objects.rewraps.pause(first.bucket)).state).toBe('cancelled')
    await first.objects.close()
    const { objects } = await testEngine({ ...options, disk: first.disk, kms: first.kms })
    const bucket = objects.buckets.get('bucket')
    for (const key of keys) expect(await readAll(objects, bucket, key)).toBe(key)
    await objects.rewraps.idle()
    expect(objects.rewraps.jobs()).toMatchObject([{ state: 'cancelled' }])
    expect((await objects.keyUsage(first.key)).versions).toHaveLength(2)
    await objects.rewraps.start(bucket)
    await objects.rewraps.idle()
    expect(objects.rewraps.jobs()).toMatchObject([{ state: 'done' }])
    expect((await objects.keyUsage(first.key)).versions).toHaveLength(1)
    expect((await objects.rewraps.cancel(bucket)).state).toBe('done')
  })

  it('is not cancelled while something is on its way to another root key', async () => {
    const { objects, kms, fill, moveTo, now, jobOf } = await setUp({ rewrap: { perSecond: 200 } })
    await fill(450)
    await moveTo(await kms.newRootKey())
    await expect(objects.rewraps.cancel(now())).rejects.toMatchObject({ code: 'BucketMoving' })
    expect((await objects.rewraps.pause(now())).state).toBe('paused')
    await expect(objects.rewraps.cancel(now())).rejects.toMatchObject({ code: 'BucketMoving' })
    await objects.rewraps.resume(now())
    await objects.rewraps.idle()
    expect(jobOf()).toMatchObject({ state: 'done', rewrapped: 450 })
  })

  it('goes on after a restart, wherever it was', async () => {
    const stored = memoryStore()
    const first = await setUp({ stored, rewrap: { perSecond: 300 } })
    const keys = await first.fill(450)
    await first.kms.rotate(first.key)
    await first.objects.rewraps.start(first.bucket)
    while ((first.jobOf()?.rewrapped ?? 0) === 0) await wait(10)
    await first.objects.close()
    const { disk, kms } = first
    const second = await testEngine({ stored, disk, kms, lease: '1'.repeat(16) })
    await second.objects.rewraps.idle()
    expect(second.objects.rewraps.jobs()).toMatchObject([{ state: 'done' }])
    expect((await second.objects.keyUsage(first.key)).versions).toEqual([expect.objectContaining({ objects: 450 })])
    const bucket = second.objects.buckets.get('bucket')
    for (const each of keys) expect(await readAll(second.objects, bucket, each)).toBe(each)
  })

  it('goes on after a kill that came right after it was begun anew, as the one before was said to be done', async () => {
    const stored = memoryStore()
    let dead = false
    let atTheEnd: (() => void) | undefined
    const first = await setUp({
      stored,
      metadata: (inner) => ({
        ...inner,
        commit: async (writes) => {
          if (dead) return new Promise(() => {})
          const done = writes.some(
            (one) => one.type === 'put' && one.space === SPACE.rewrap && one.value.includes('done'),
          )
          if (done && atTheEnd) {
            atTheEnd()
            atTheEnd = undefined
            for (let turn = 0; turn < 20; turn++) await nextTurn()
          }
          return inner.commit(writes)
        },
      }),
    })
    await first.fill(3)
    const begunAnew = new Promise<unknown>((resolve) => {
      atTheEnd = () => {
        const rotated = first.kms.rotate(first.key).then(() => first.objects.rewraps.start(first.now()))
        void rotated.then((job) => {
          resolve(job)
          setImmediate(() => {
            dead = true
          })
        })
      }
    })
    await first.objects.rewraps.start(first.now())
    expect(await begunAnew).toMatchObject({ state: 'running' })
    await expect.poll(() => dead).toBe(true)
    const { disk, kms } = first
    const { objects } = await testEngine({ stored, disk, kms, lease: '1'.repeat(16) })
    await objects.rewraps.idle()
    expect(objects.rewraps.jobs()).toMatchObject([{ state: 'done' }])
    const { keyVersion } = await kms.provider.describe({
      rootKeyCrn: first.key,
      serviceInstanceCrn: first.bucket.serviceInstanceCrn,
    })
    expect((await objects.keyUsage(first.key)).versions).toEqual([expect.objectContaining({ keyVersion, objects: 3 })])
  })

  it('does nothing while it is paused, also when a key that it waited for is back', async () => {
    const { objects, now, kms, fill, moveTo, jobOf } = await setUp({ bucketKey: true })
    await fill(1)
    const next = await kms.newRootKey()
    await moveTo(next, true)
    await objects.rewraps.idle()
    await kms.disable(next)
    await objects.rewraps.start(now())
    await objects.rewraps.idle()
    expect(jobOf()).toMatchObject({ state: 'running', problem: 'RootKeyDisabled' })
    await objects.rewraps.pause(now())
    await kms.enable(next)
    await kms.rotate(next)
    const { slots } = now()
    objects.rewraps.wake()
    await objects.rewraps.idle()
    expect(now().slots).toEqual(slots)
    expect(jobOf()?.state).toBe('paused')
    await objects.rewraps.resume(now())
    await objects.rewraps.idle()
    expect(jobOf()?.state).toBe('done')
    expect(now().slots).not.toEqual(slots)
  })

  it('ends with its bucket', async () => {
    const { objects, stored, bucket, kms, key, jobOf } = await setUp()
    await kms.rotate(key)
    await objects.rewraps.start(bucket)
    await objects.rewraps.idle()
    await objects.deleteBucket(objects.buckets.get('bucket'))
    expect(jobOf()).toBeUndefined()
    expect(await stored.range(SPACE.rewrap, everything)).toEqual([])
  })
})

describe.each([false, true])('moving a bucket to another root key (bucket key: %s)', (bucketKey) => {
  it('puts everything under it, so that the former one may go', async () => {
    const test = await setUp({ bucketKey })
    const { objects, now, kms, fill, startUpload, complete, versionsOf, moveTo, look, registrations, key } = test
    const keys = await fill(250)
    const upload = await startUpload('upload')
    const before = await look()
    const target = await kms.newRootKey()
    await moveTo(target, bucketKey)
    expect([...registrations].sort()).toEqual([key, target].sort())
    await objects.rewraps.idle()
    await kms.remove(key)
    expect([...registrations]).toEqual([target])
    expect(await versionsOf(key)).toEqual([])
    expect(now()).toMatchObject({ rootKeyCrn: target, slots: [{ rootKeyCrn: target }] })
    expect(await look()).toEqual(before)
    for (const each of keys) expect(await readAll(objects, now(), each)).toBe(each)
    await complete(upload, 'whole')
    expect(await readAll(objects, now(), 'upload')).toBe('whole')
    expect((await objects.recount()).differences).toEqual([])
  })

  it('takes provider-managed buckets to a customer and back', async () => {
    const { objects, now, kms, fill, moveTo, registrations, key } = await setUp({ bucketKey })
    const keys = await fill(5)
    const service = await kms.newRootKey()
    await objects.moveBucket(now(), { encryption: 'provider-managed', rootKeyCrn: service, bucketKey })
    await objects.rewraps.idle()
    expect(now().encryption).toBe('provider-managed')
    expect([...registrations]).toEqual([])
    await moveTo(key, bucketKey)
    await objects.rewraps.idle()
    expect(now().encryption).toBe('customer-managed')
    expect([...registrations]).toEqual([key])
    for (const each of keys) expect(await readAll(objects, now(), each)).toBe(each)
    expect(await objects.keyUsage(service)).toMatchObject({ versions: [], buckets: [] })
  })

  it('there and back while it is still under way loses nothing', async () => {
    const { objects, now, kms, fill, moveTo, versionsOf, registrations, key } = await setUp({ bucketKey })
    const keys = await fill(100)
    const target = await kms.newRootKey()
    for (const each of [target, key, target, key]) await moveTo(each, bucketKey)
    await objects.rewraps.idle()
    expect(now().slots).toHaveLength(1)
    expect(await versionsOf(target)).toEqual([])
    expect([...registrations]).toEqual([key])
    for (const each of keys) expect(await readAll(objects, now(), each)).toBe(each)
  })

  it('changes nothing when it is there', async () => {
    const { objects, now, moveTo, jobOf, bucket, key } = await setUp({ bucketKey })
    await moveTo(key, bucketKey)
    await objects.rewraps.idle()
    expect(now().token).toBe(bucket.token)
    expect(jobOf()).toBeUndefined()
  })

  it('leaves the bucket where it is when the other key may not be used', async () => {
    const { objects, now, kms, fill, moveTo, registrations, key } = await setUp({ bucketKey })
    await fill(1)
    const target = await kms.newRootKey()
    await kms.disable(target)
    await expect(moveTo(target, bucketKey)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    expect(now().rootKeyCrn).toBe(key)
    expect([...registrations]).toEqual([key])
    expect(await readAll(objects, now(), 'k0')).toBe('k0')
  })

  it('is finished after a restart, also when nothing says that it began', async () => {
    const stored = memoryStore()
    const first = await setUp({ stored, bucketKey, rewrap: { perSecond: 1 } })
    await first.fill(20)
    const target = await first.kms.newRootKey()
    await first.moveTo(target, bucketKey)
    await first.objects.close()
    for (const { key } of await stored.range(SPACE.rewrap, everything)) {
      await stored.commit([{ type: 'delete', space: SPACE.rewrap, key }])
    }
    const { disk, kms } = first
    const { objects } = await testEngine({ stored, disk, kms, lease: '1'.repeat(16) })
    await objects.rewraps.idle()
    await kms.remove(first.key)
    expect(await objects.keyUsage(first.key)).toMatchObject({ versions: [], buckets: [] })
    expect(await readAll(objects, objects.buckets.get('bucket'), 'k7')).toBe('k7')
  })
})

describe('what is under way while a bucket moves', () => {
  it('an object that is being written comes under the new key', async () => {
    const { objects, now, kms, moveTo, versionsOf, key } = await setUp()
    const held = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const stream = (async function* () {
      yield Buffer.from('first ')
      begun.resolve()
      await held.promise
      yield Buffer.from('last')
    })()
    const writing = objects.put({ bucket: now(), key: 'k', body: { stream, lengthBytes: undefined }, ...plain })
    await begun.promise
    const target = await kms.newRootKey()
    await moveTo(target)
    await objects.rewraps.idle()
    await kms.remove(key)
    held.resolve()
    expect((await writing).protection.rootKeyCrn).toBe(target)
    expect(await versionsOf(key)).toEqual([])
    expect(await readAll(objects, now(), 'k')).toBe('first last')
  })

  it('a part that is being uploaded is kept', async () => {
    const { objects, now, kms, moveTo, startUpload, key } = await setUp()
    const find = await startUpload('k')
    const upload = await find()
    const held = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const stream = (async function* () {
      begun.resolve()
      await held.promise
      yield Buffer.from('part')
    })()
    const sending = objects.uploadPart(upload, 1, { stream, lengthBytes: undefined })
    await begun.promise
    await moveTo(await kms.newRootKey())
    await objects.rewraps.idle()
    await kms.remove(key)
    held.resolve()
    const parts = [{ number: 1, etag: (await sending).etag }]
    await objects.completeUpload({ bucket: now(), key: 'k', uploadId: upload.uploadId, parts, conditions: {} })
    expect(await readAll(objects, now(), 'k')).toBe('part')
  })

  it('a download goes on when the former key is gone, for its object is under the new one', async () => {
    const { objects, now, kms, put, moveTo, time, key } = await setUp()
    await put('k', 'x'.repeat(200_000))
    using object = await objects.open({ bucket: now(), key: 'k' })
    const chunks: Buffer[] = []
    for await (const chunk of object.read({ start: 0, end: 200_000 })) {
      chunks.push(Buffer.from(chunk))
      if (chunks.length !== 1) continue
      await moveTo(await kms.newRootKey())
      await objects.rewraps.idle()
      await kms.remove(key)
      time.nowMs += 10_000
    }
    expect(Buffer.concat(chunks).toString()).toBe('x'.repeat(200_000))
  })

  it('clients write, overwrite, copy, upload and delete as ever, and nothing is lost or wrong', async () => {
    const { objects, now, put, fill, startUpload, complete, kms, moveTo, key } = await setUp()
    await fill(300)
    const expected = new Map(Array.from({ length: 300 }, (_, at) => [`k${at}`, `k${at}`]))
    const keys = [key, await kms.newRootKey(), await kms.newRootKey()]
    let over = false
    const client = async (number: number): Promise<void> => {
      for (let round = 0; !over; round++) {
        const name = `k${(number * 50 + round * 7) % 300}`
        // Each client has names of its own.
        const mine = `${name}/${number}`
        const text = `${mine} ${round}`
        if (round % 5 === 0) await complete(await startUpload(mine), text)
        else await put(mine, text)
        expected.set(mine, text)
        expect(await readAll(objects, now(), mine)).toBe(text)
        if (round % 3 === 0) {
          await objects.delete({ bucket: now(), key: mine, conditions: {} })
          expected.delete(mine)
        }
        expect(await readAll(objects, now(), name)).toBe(name)
      }
    }
    const clients = Array.from({ length: 6 }, (_, number) => client(number))
    for (let round = 0; round < 6; round++) {
      const target = keys[(round + 1) % keys.length] ?? key
      await moveTo(target, round % 2 === 0)
      await kms.rotate(target)
      await objects.rewraps.startOfKey(target)
      await objects.rewraps.idle()
      expect(now().slots).toHaveLength(1)
      for (const other of keys.filter((each) => each !== target)) {
        expect(await objects.keyUsage(other)).toMatchObject({ versions: [], buckets: [] })
      }
      expect((await objects.keyUsage(target)).versions).toHaveLength(1)
    }
    over = true
    await Promise.all(clients)
    for (const [name, text] of expected) expect(await readAll(objects, now(), name)).toBe(text)
    expect((await objects.recount()).differences).toEqual([])
  })
})

describe('one object under another root key', () => {
  const target = (rootKeyCrn: string, bucketKey = false) =>
    ({ encryption: 'customer-managed', rootKeyCrn, bucketKey }) as const

  it.each([false, true])('keeps everything but that (bucket key: %s)', async (bucketKey) => {
    const { objects, now, kms, put, look, registrations, key } = await setUp()
    await put('one')
    await put('two')
    const before = await look()
    const other = await kms.newRootKey()
    await objects.updateEncryption({ bucket: now(), key: 'one', ...target(other, bucketKey) })
    expect(await look()).toEqual(before)
    expect([...registrations].sort()).toEqual([key, other].sort())
    using one = await objects.open({ bucket: now(), key: 'one' })
    expect(one.protection).toMatchObject(target(other, bucketKey))
    using two = await objects.open({ bucket: now(), key: 'two' })
    expect(two.protection.rootKeyCrn).toBe(key)
    await kms.disable(other)
    await expect(objects.open({ bucket: now(), key: 'one' })).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    expect(await readAll(objects, now(), 'two')).toBe('two')
    expect((await objects.recount()).differences).toEqual([])
  })

  it('stays there when the bucket moves, and comes back when asked to', async () => {
    const { objects, now, kms, put, moveTo, registrations, key } = await setUp()
    await put('one')
    await put('two')
    const other = await kms.newRootKey()
    const next = await kms.newRootKey()
    await objects.updateEncryption({ bucket: now(), key: 'one', ...target(other) })
    await moveTo(next)
    await objects.rewraps.idle()
    await kms.remove(key)
    expect([...registrations].sort()).toEqual([other, next].sort())
    expect(await readAll(objects, now(), 'one')).toBe('one')
    await objects.updateEncryption({ bucket: now(), key: 'one', ...target(next) })
    await objects.rewraps.start(now())
    await objects.rewraps.idle()
    await kms.remove(other)
    expect([...registrations]).toEqual([next])
    expect(now().slots).toHaveLength(1)
    expect(await readAll(objects, now(), 'one')).toBe('one')
  })

  it('needs the object and the key', async () => {
    const { objects, now, kms, put, registrations, key } = await setUp()
    await put('one')
    const other = await kms.newRootKey()
    const missing = objects.updateEncryption({ bucket: now(), key: 'none', ...target(other) })
    await expect(missing).rejects.toMatchObject({ code: 'NoSuchKey' })
    await kms.disable(other)
    const disabled = objects.updateEncryption({ bucket: now(), key: 'one', ...target(other) })
    await expect(disabled).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    expect(await readAll(objects, now(), 'one')).toBe('one')
    expect(registrations).toContain(key)
  })

  it('while it is overwritten: the last one who writes wins, and it opens', async () => {
    const { objects, now, kms, put } = await setUp()
    await put('one', 'first')
    const keys = [await kms.newRootKey(), await kms.newRootKey()]
    for (let round = 0; round < 30; round++) {
      const rootKeyCrn = keys[round % 2] ?? ''
      const work = [
        put('one', `text ${round}`),
        objects.updateEncryption({ bucket: now(), key: 'one', ...target(rootKeyCrn, round % 3 === 0) }),
        objects.updateEncryption({ bucket: now(), key: 'one', ...target(keys[0] ?? '') }),
      ]
      await Promise.all(work)
      expect(await readAll(objects, now(), 'one')).toBe(`text ${round}`)
    }
    expect((await objects.recount()).differences).toEqual([])
  })
})
