import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cachedProvider } from '../../../src/envelope/cached-provider.ts'
import type { Encrypting } from '../../../src/objects/encrypting.ts'
import { bucketKey, headKey, SPACE } from '../../../src/objects/keyspace.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { decodeBucket, decodeObject, encodeBucket, encodeObject } from '../../../src/objects/records.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

type Engine = Awaited<ReturnType<typeof testEngine>>
const WRONG = { code: 'BucketKeyWrong' }

const bucketOf = (objects: Objects) => objects.buckets.get('bucket')
const put = (objects: Objects, key: string, encrypting: Encrypting = {}) =>
  objects.put({ bucket: bucketOf(objects), key, body: bodyOf(key), ...plain, encrypting })
const names = async (objects: Objects) =>
  (await objects.list({ bucket: bucketOf(objects), prefix: '', delimiter: '', after: '', limit: 100 })).items
const stateOf = (objects: Objects) => objects.keyChecks.states().find(({ bucket }) => bucket === 'bucket')?.state

/** Another process over the same store and key service. */
const restart = (engine: Engine, lease: number, options: Parameters<typeof testEngine>[0] = {}) =>
  testEngine({
    ...options,
    stored: engine.stored,
    disk: engine.disk,
    kms: engine.kms,
    lease: String(lease).padStart(16, '0'),
  })

describe.each([
  ['a root key', false],
  ['a bucket key', true],
] as const)('a bucket under %s', (_, bucketKeys) => {
  const setUp = async () => {
    const engine = await testEngine()
    const { objects, newBucket, kms } = engine
    await objects.createBucket({ ...newBucket, bucketKey: bucketKeys })
    await objects.createBucket({ ...newBucket, name: 'other', rootKeyCrn: await kms.newRootKey() })
    await put(objects, 'kept')
    await put(objects, 'deleted')
    return { engine, crn: newBucket.rootKeyCrn }
  }

  it.each(['same ids', 'other ids'] as const)(
    'is locked at the first use when other material has the %s, and opens by itself',
    async (ids) => {
      const { engine, crn } = await setUp()
      const { putBack } = engine.kms.exchange(crn, ids)
      const { objects, keyChanges, time } = await restart(engine, 1)
      const before = (await engine.stored.range(SPACE.head, everything)).length
      await expect(put(objects, 'new')).rejects.toMatchObject(WRONG)
      await expect(put(objects, 'kept')).rejects.toMatchObject(WRONG)
      await expect(readAll(objects, bucketOf(objects), 'kept')).rejects.toMatchObject(WRONG)
      await expect(
        objects.createUpload({ bucket: bucketOf(objects), key: 'u', attributes: plain.attributes }),
      ).rejects.toMatchObject(WRONG)
      await expect(objects.createBucket({ ...engine.newBucket, name: 'third' })).rejects.toMatchObject(WRONG)
      expect((await engine.stored.range(SPACE.head, everything)).length).toBe(before)
      expect((await names(objects)).map(({ key, sizeBytes, summary }) => [key, sizeBytes, summary])).toEqual([
        ['deleted', 7, undefined],
        ['kept', 4, undefined],
      ])
      await objects.delete({ bucket: bucketOf(objects), key: 'deleted', conditions: {} })
      expect(stateOf(objects)).toBe('locked')
      expect(keyChanges.map(({ bucket, state }) => [bucket, state])).toEqual([['bucket', 'locked']])
      const other = objects.buckets.get('other')
      await objects.put({ bucket: other, key: 'a', body: bodyOf('a'), ...plain })
      expect(await readAll(objects, other, 'a')).toBe('a')

      putBack()
      time.nowMs += 1000
      await put(objects, 'new')
      expect(await readAll(objects, bucketOf(objects), 'new')).toBe('new')
      expect(await readAll(objects, bucketOf(objects), 'kept')).toBe('kept')
      expect((await names(objects)).every(({ summary }) => summary !== undefined)).toBe(true)
      expect(stateOf(objects)).toBe('open')
    },
  )

  it('is locked by a check in the background, and opened by one', async () => {
    const { engine, crn } = await setUp()
    const { objects, keyChecks } = { ...engine, keyChecks: engine.objects.keyChecks }
    const { putBack } = engine.kms.exchange(crn, 'same ids')
    keyChecks.doubt(crn)
    await keyChecks.idle()
    expect(stateOf(objects)).toBe('locked')
    putBack()
    keyChecks.doubt(crn)
    await keyChecks.idle()
    expect(stateOf(objects)).toBe('open')
    expect(engine.keyChanges.map(({ state }) => state)).toEqual(['locked', 'open'])
  })

  it('takes nothing that was wrapped before the key was found to be wrong', async () => {
    const { engine, crn } = await setUp()
    const { objects } = engine
    const [open, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const stream = (async function* () {
      yield Buffer.from('begin')
      opened.resolve()
      await open.promise
      yield Buffer.from('end')
    })()
    const putting = objects.put({ bucket: bucketOf(objects), key: 'slow', body: { stream, lengthBytes: 8 }, ...plain })
    const refused = expect(putting).rejects.toMatchObject(WRONG)
    await opened.promise
    engine.kms.exchange(crn, 'same ids')
    objects.keyChecks.doubt(crn)
    await objects.keyChecks.idle()
    open.resolve()
    await refused
    expect((await names(objects)).map(({ key }) => key)).toEqual(['deleted', 'kept'])
  })

  it('is known to serve again when it is only read after an outage', async () => {
    const { engine } = await setUp()
    await engine.kms.disconnect()
    const { objects, time } = await restart(engine, 1, { keyCheckMs: 3_600_000 })
    await objects.keyChecks.idle()
    await expect(readAll(objects, bucketOf(objects), 'kept')).rejects.toMatchObject({ code: 'KeyProviderUnavailable' })
    await objects.keyChecks.idle()
    expect(objects.keyChecks.states().map(({ state }) => state)).toEqual(['refused', 'refused'])
    expect((await names(objects)).map(({ key, sizeBytes, summary }) => [key, sizeBytes, summary])).toEqual([
      ['deleted', 7, undefined],
      ['kept', 4, undefined],
    ])
    await engine.kms.reconnect()
    time.nowMs += 2000
    expect(await readAll(objects, bucketOf(objects), 'kept')).toBe('kept')
    await objects.keyChecks.idle()
    expect(objects.keyChecks.states().map(({ state }) => state)).toEqual(['open', 'open'])
    await objects.close()
  })

  it('is doubted while its key is refused, and proves itself before the next wrap', async () => {
    const { engine, crn } = await setUp()
    const { objects, kms } = engine
    await kms.disable(crn)
    await expect(put(objects, 'a')).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    objects.keyChecks.doubt(crn)
    await objects.keyChecks.idle()
    expect(stateOf(objects)).toBe('refused')
    const { putBack } = kms.exchange(crn, 'same ids')
    await kms.enable(crn)
    await expect(put(objects, 'a')).rejects.toMatchObject(WRONG)
    putBack()
    engine.time.nowMs += 1000
    await put(objects, 'a')
  })

  it('takes a new version of its own key without more ado', async () => {
    const { engine, crn } = await setUp()
    await engine.kms.rotate(crn)
    await put(engine.objects, 'a')
    expect(await readAll(engine.objects, bucketOf(engine.objects), 'a')).toBe('a')
    engine.objects.keyChecks.doubt(crn)
    await engine.objects.keyChecks.idle()
    expect(stateOf(engine.objects)).toBe('open')
  })

  it('that was made before there were canaries gets one at the first check, and is proven by its own keys till then', async () => {
    const { engine, crn } = await setUp()
    const row = await engine.stored.get(SPACE.bucket, bucketKey('bucket'))
    const record = decodeBucket(row?.value ?? Buffer.of(0))
    const slots = record.slots.map(({ canary: _, ...slot }) => slot)
    const value = encodeBucket({ ...record, slots })
    await engine.stored.commit([{ type: 'put', space: SPACE.bucket, key: bucketKey('bucket'), value }])
    const { putBack } = engine.kms.exchange(crn, 'same ids')
    const second = await restart(engine, 1, { keyCheckMs: 3_600_000 })
    await second.objects.keyChecks.idle()
    expect(stateOf(second.objects)).toBe('locked')
    expect(bucketOf(second.objects).slots.map(({ canary }) => canary)).toEqual([undefined])
    await second.objects.close()
    putBack()
    const third = await restart(engine, 2, { keyCheckMs: 3_600_000 })
    await third.objects.keyChecks.idle()
    expect(stateOf(third.objects)).toBe('open')
    const stored = decodeBucket((await engine.stored.get(SPACE.bucket, bucketKey('bucket')))?.value ?? Buffer.of(0))
    expect(stored.slots.every(({ canary }) => canary !== undefined)).toBe(true)
    await third.objects.close()
  })
})

it('a slot of objects alone that was made before there were canaries is proven by what lies in it', async () => {
  const engine = await testEngine()
  const { objects, newBucket, kms, stored } = engine
  await objects.createBucket({ ...newBucket, bucketKey: false })
  const own = await kms.newRootKey()
  const empty = await kms.newRootKey()
  const under = (rootKeyCrn: string): Encrypting => ({
    rootKey: { rootKeyCrn, encryption: 'customer-managed' },
    bucketKey: false,
  })
  await put(objects, 'other')
  for (const key of ['damaged', 'kept']) await put(objects, key, under(own))
  await put(objects, 'gone', under(empty))
  await objects.delete({ bucket: bucketOf(objects), key: 'gone', conditions: {} })
  await objects.close()
  const rewrite = async (space: number, key: Buffer, change: (value: Buffer) => Buffer) => {
    const row = await stored.get(space, key)
    await stored.commit([{ type: 'put', space, key, value: change(row?.value ?? Buffer.of(0)) }])
  }
  await rewrite(SPACE.bucket, bucketKey('bucket'), (value) => {
    const record = decodeBucket(value)
    return encodeBucket({ ...record, slots: record.slots.map(({ canary: _, ...slot }) => slot) })
  })
  await rewrite(SPACE.head, headKey(bucketOf(objects).id, 'damaged'), (value) => {
    const record = decodeObject(value)
    const ciphertext = Buffer.from(record.wrappedDek.ciphertext)
    ciphertext.writeUInt8(ciphertext.readUInt8(40) ^ 1, 40)
    return encodeObject({ ...record, wrappedDek: { ...record.wrappedDek, ciphertext } })
  })
  const exchanged = kms.exchange(own, 'same ids')
  const second = await restart(engine, 1, { keyCheckMs: 3_600_000 })
  await second.objects.keyChecks.idle()
  expect(stateOf(second.objects)).toBe('locked')
  const slotOf = ({ objects: of }: Engine, crn: string) => bucketOf(of).slots.find((slot) => slot.rootKeyCrn === crn)
  expect(slotOf(second, own)?.canary).toBeUndefined()
  expect(slotOf(second, empty)?.canary).toBeDefined()
  await expect(put(second.objects, 'new', under(own))).rejects.toMatchObject(WRONG)
  await second.objects.close()
  exchanged.putBack()
  const third = await restart(engine, 2, { keyCheckMs: 3_600_000 })
  await third.objects.keyChecks.idle()
  expect(stateOf(third.objects)).toBe('open')
  expect(slotOf(third, own)?.canary).toBeDefined()
  await put(third.objects, 'new', under(own))
  expect(await readAll(third.objects, bucketOf(third.objects), 'kept')).toBe('kept')
  await third.objects.close()
})

it('a canary follows its key to the newest version', async () => {
  const { objects, kms, newBucket, makeBucket } = await testEngine()
  await makeBucket()
  await kms.rotate(newBucket.rootKeyCrn)
  objects.keyChecks.doubt(newBucket.rootKeyCrn)
  await objects.keyChecks.idle()
  const { keyVersion } = await kms.provider.describe(newBucket)
  expect(bucketOf(objects).slots.map(({ canary }) => canary?.keyVersion)).toEqual([keyVersion])
})

describe('an older copy of the key service, without the newest version of a root key,', () => {
  const setUp = async () => {
    const engine = await testEngine()
    const { objects, newBucket, kms } = engine
    await engine.makeBucket()
    const other = await objects.createBucket({ ...newBucket, name: 'other', rootKeyCrn: await kms.newRootKey() })
    await put(objects, 'kept')
    await objects.put({ bucket: other, key: 'a', body: bodyOf('a'), ...plain })
    return { ...engine, crn: newBucket.rootKeyCrn }
  }
  const expectLocked = async ({ objects, stored }: Pick<Engine, 'objects' | 'stored'>) => {
    const before = (await stored.range(SPACE.head, everything)).length
    await expect(readAll(objects, bucketOf(objects), 'kept')).rejects.toMatchObject(WRONG)
    expect(stateOf(objects)).toBe('locked')
    await expect(put(objects, 'new')).rejects.toMatchObject(WRONG)
    expect((await stored.range(SPACE.head, everything)).length).toBe(before)
    const other = objects.buckets.get('other')
    expect(await readAll(objects, other, 'a')).toBe('a')
    await objects.put({ bucket: other, key: 'b', body: bodyOf('b'), ...plain })
  }
  const expectOpen = async ({ objects, time }: Pick<Engine, 'objects' | 'time'>) => {
    time.nowMs += 1000
    await put(objects, 'new')
    expect(await readAll(objects, bucketOf(objects), 'kept')).toBe('kept')
    expect(stateOf(objects)).toBe('open')
  }

  it('locks a bucket that was rewrapped, till the right one is back', async () => {
    const engine = await setUp()
    await engine.kms.rotate(engine.crn)
    await engine.objects.rewraps.start(bucketOf(engine.objects))
    await engine.objects.rewraps.idle()
    const { putBack } = engine.kms.forgetNewest(engine.crn)
    await expectLocked(engine)
    putBack()
    await expectOpen(engine)
  })

  it('locks it also after a restart, before anything is written under the version that is left', async () => {
    const first = await setUp()
    await first.kms.rotate(first.crn)
    await first.objects.rewraps.start(bucketOf(first.objects))
    await first.objects.rewraps.idle()
    await first.objects.close()
    const { putBack } = first.kms.forgetNewest(first.crn)
    const second = await restart(first, 1)
    await expect(put(second.objects, 'new')).rejects.toMatchObject(WRONG)
    await expectLocked(second)
    putBack()
    await expectOpen(second)
  })

  it('locks a bucket in which only something new came under the version', async () => {
    const engine = await setUp()
    await engine.kms.rotate(engine.crn)
    await Promise.all(Array.from({ length: 8 }, (_, at) => put(engine.objects, `many-${at}`)))
    await put(engine.objects, 'kept')
    const { putBack } = engine.kms.forgetNewest(engine.crn)
    await expectLocked(engine)
    putBack()
    await expectOpen(engine)
  })

  it('locks a bucket whose canary stayed under the version before, as an earlier Coffer left it', async () => {
    const engine = await setUp()
    const { canary } = bucketOf(engine.objects).slots[0] ?? {}
    await engine.kms.rotate(engine.crn)
    await engine.objects.rewraps.start(bucketOf(engine.objects))
    await engine.objects.rewraps.idle()
    await engine.objects.close()
    const row = await engine.stored.get(SPACE.bucket, bucketKey('bucket'))
    const record = decodeBucket(row?.value ?? Buffer.of(0))
    const slots = record.slots.map((slot) => (canary ? { ...slot, canary } : slot))
    const value = encodeBucket({ ...record, slots })
    await engine.stored.commit([{ type: 'put', space: SPACE.bucket, key: bucketKey('bucket'), value }])
    const { putBack } = engine.kms.forgetNewest(engine.crn)
    const second = await restart(engine, 1)
    await expectLocked(second)
    putBack()
    await expectOpen(second)
  })

  it('leaves a bucket open that needs nothing of it', async () => {
    const { objects, kms, crn } = await setUp()
    await kms.rotate(crn)
    kms.forgetNewest(crn)
    objects.keyChecks.doubt(crn)
    await put(objects, 'new')
    expect(await readAll(objects, bucketOf(objects), 'kept')).toBe('kept')
  })
})

it('a bucket that is made while its root key is rotated has its canary under the same version as its keys', async () => {
  let rotate = async () => {}
  const engine = await testEngine({
    provider: (inner) => ({
      ...inner,
      wrap: async (...args) => {
        const wrapped = await inner.wrap(...args)
        await rotate()
        return wrapped
      },
    }),
  })
  const { kms, newBucket, objects } = engine
  rotate = async () => {
    rotate = async () => {}
    await kms.rotate(newBucket.rootKeyCrn)
  }
  await engine.makeBucket()
  const { slots, metadataKey } = bucketOf(objects)
  expect(slots[0]?.canary?.keyVersion).toBe(metadataKey.keyVersion)
})

it('a memory of what the key service answered does not vouch for the key', async () => {
  const provider = (inner: Parameters<typeof cachedProvider>[0]) => cachedProvider(inner, { permitMs: 60_000 })
  const { objects, kms, newBucket } = await testEngine({ provider })
  await objects.createBucket({ ...newBucket, bucketKey: true })
  await put(objects, 'a')
  kms.exchange(newBucket.rootKeyCrn, 'same ids')
  objects.keyChecks.doubt()
  await expect(put(objects, 'b')).rejects.toMatchObject(WRONG)
  await objects.close()
})

const everything = { gte: Buffer.alloc(0), lt: Buffer.alloc(40, 0xff), limit: 1000 }

it('whatever the key service comes back as and whenever, what was stored opens under the right key', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.constantFrom(
          'put',
          'put under a bucket key',
          'same ids',
          'other ids',
          'put back',
          'rotate',
          'outage',
          'restart',
        ),
      ),
      async (steps) => {
        let engine = await testEngine()
        const { kms, newBucket } = engine
        await engine.makeBucket()
        let putBack: (() => void) | undefined
        const stored: string[] = []
        for (const [at, step] of steps.entries()) {
          const { objects, time } = engine
          time.nowMs += 1000
          if (step === 'put' || step === 'put under a bucket key') {
            const done = await put(objects, `key-${at}`, { bucketKey: step !== 'put' }).catch(
              (error: { code?: string }) => error,
            )
            if (putBack) expect(done).toMatchObject(WRONG)
            else stored.push(`key-${at}`)
          } else if (step === 'same ids' || step === 'other ids') {
            if (putBack) continue
            // A service that comes back as another one was away.
            await kms.disconnect()
            await put(objects, 'lost').catch(() => {})
            await kms.reconnect()
            putBack = kms.exchange(newBucket.rootKeyCrn, step).putBack
          } else if (step === 'put back') {
            putBack?.()
            putBack = undefined
          } else if (step === 'rotate') {
            if (!putBack) await kms.rotate(newBucket.rootKeyCrn)
          } else if (step === 'outage') {
            await kms.disconnect()
            await expect(put(objects, 'lost')).rejects.toMatchObject(putBack ? {} : { code: 'KeyProviderUnavailable' })
            await kms.reconnect()
          } else {
            await objects.close()
            engine = await restart(engine, at)
          }
        }
        putBack?.()
        engine.time.nowMs += 10_000
        const { objects } = engine
        expect((await names(objects)).map(({ key }) => key).toSorted()).toEqual(stored.toSorted())
        for (const key of stored) expect(await readAll(objects, bucketOf(objects), key)).toBe(key)
        await objects.close()
      },
    ),
    { numRuns: 60 },
  ))
