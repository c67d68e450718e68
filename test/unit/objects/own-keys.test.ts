import { describe, expect, it } from 'vitest'
import type { KeyProvider } from '../../../src/envelope/key-provider.ts'
import type { Encrypting } from '../../../src/objects/encrypting.ts'
import { checkDestinations, isOpen, type KeySlot, MAX_OPEN_SLOTS } from '../../../src/objects/key-slots.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { diceFrom } from '../../support/content.ts'
import { bodyOf, plain, type TestEngineOptions, testEngine } from '../../support/engine.ts'

const CUSTOMER_KEY = Buffer.alloc(32, 7)

async function setUp(options: TestEngineOptions = {}) {
  const engine = await testEngine(options)
  const { objects, kms, newBucket } = engine
  const bucket = objects.buckets.find('bucket') ?? (await objects.createBucket({ ...newBucket, bucketKey: true }))
  const now = () => objects.buckets.get('bucket')
  const put = (key: string, encrypting: Encrypting = {}) =>
    objects.put({ bucket: now(), key, body: bodyOf(key), ...plain, encrypting })
  const update = (key: string, rootKeyCrn: string, more: { bucketKey?: boolean; versionId?: string } = {}) =>
    objects.updateEncryption({
      bucketKey: true,
      ...more,
      bucket: now(),
      key,
      encryption: 'customer-managed',
      rootKeyCrn,
    })
  const keyOf = async (key: string, more: { customerKey?: Buffer; versionId?: string } = {}) => {
    using object = await objects.open({ bucket: now(), key, ...more })
    return object.protection.rootKeyCrn
  }
  const rewrap = async () => {
    await objects.rewraps.start(now())
    await objects.rewraps.idle()
  }
  const move = async (rootKeyCrn: string, bucketKey = true) => {
    await objects.moveBucket(now(), { encryption: 'customer-managed', rootKeyCrn, bucketKey })
    await objects.rewraps.idle()
  }
  const jobOf = () => objects.rewraps.jobs()[0]
  const versionsOf = async (crn: string) => (await objects.keyUsage(crn)).versions
  return { ...engine, kms, bucket, now, put, update, keyOf, rewrap, move, jobOf, versionsOf, key: bucket.rootKeyCrn }
}

const under = (rootKeyCrn: string) => ({ rootKey: { rootKeyCrn, encryption: 'customer-managed' } as const })

/** Objects under a key of their own, in every way there is. */
async function withEveryKind(own: string, test: Awaited<ReturnType<typeof setUp>>) {
  const { objects, now, put, update } = test
  await objects.setVersioning(now(), 'Enabled')
  const { versionId } = await put('versioned')
  await put('versioned')
  await update('versioned', own, { versionId })
  await put('updated')
  await update('updated', own)
  await put('kms', { ...under(own), bucketKey: true })
  await put('dsse', { ...under(own), twice: true, bucketKey: true })
  await put('sse-c', { ...under(own), customerKey: CUSTOMER_KEY, bucketKey: true })
  return async ({ keyOf } = test) => {
    expect(await keyOf('versioned', { versionId })).toBe(own)
    for (const key of ['updated', 'kms', 'dsse']) expect(await keyOf(key)).toBe(own)
    expect(await keyOf('sse-c', { customerKey: CUSTOMER_KEY })).toBe(own)
  }
}

describe('objects under a root key of their own stay there', () => {
  it('when a second rewrap begins before the first one has reached them', async () => {
    const stored = memoryStore()
    const first = await setUp({ stored, rewrap: { perSecond: 1 } })
    for (let at = 0; at < 5; at++) await first.put(`usual ${at}`)
    const own = await first.kms.newRootKey()
    const expectStayed = await withEveryKind(own, first)
    await first.kms.rotate(first.key)
    await first.kms.rotate(own)
    await first.objects.rewraps.start(first.now())
    await expect.poll(() => first.now().slots.filter(({ rootKeyCrn }) => rootKeyCrn === own).length).toBe(2)
    await first.objects.close()
    const { disk, kms } = first
    const second = await setUp({ stored, disk, kms, lease: '1'.repeat(16) })
    await second.objects.rewraps.idle()
    expect(second.jobOf()?.state).toBe('done')
    await expectStayed(second)
    expect((await second.objects.recount()).differences).toEqual([])
    await kms.disable(own)
    await expect(second.keyOf('kms')).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await kms.enable(own)
  })

  it('when one comes to a slot that is about to go, for nothing was in it', async () => {
    let meanwhile: (() => Promise<unknown>) | undefined
    const test = await setUp({
      metadata: (inner) => ({
        ...inner,
        counters: async (prefix) => {
          const counters = await inner.counters(prefix)
          const act = meanwhile
          meanwhile = undefined
          await act?.()
          return counters
        },
      }),
    })
    const { objects, now, put, keyOf, rewrap, jobOf } = test
    const own = await test.kms.newRootKey()
    await put('gone', { ...under(own), bucketKey: true })
    await objects.delete({ bucket: now(), key: 'gone', conditions: {} })
    meanwhile = () => put('late', { ...under(own), bucketKey: true })
    await objects.rewraps.start(now())
    await objects.rewraps.idle()
    expect(await keyOf('late')).toBe(own)
    await rewrap()
    expect(jobOf()?.state).toBe('done')
    expect(now().slots.every(isOpen)).toBe(true)
    expect(await keyOf('late')).toBe(own)
  })

  it('but not what came to a slot of the bucket’s key that was about to go as the bucket moved', async () => {
    let meanwhile: (() => Promise<unknown>)[] = []
    const { objects, now, put, keyOf, kms, key, jobOf } = await setUp({
      metadata: (inner) => ({
        ...inner,
        counters: async (prefix) => {
          const counters = await inner.counters(prefix)
          await meanwhile.shift()?.()
          return counters
        },
      }),
    })
    const next = await kms.newRootKey()
    await put('usual')
    await put('gone', { bucketKey: false })
    await objects.delete({ bucket: now(), key: 'gone', conditions: {} })
    const move = () => objects.moveBucket(now(), { encryption: 'customer-managed', rootKeyCrn: next, bucketKey: true })
    meanwhile = [() => put('late', { bucketKey: false }), move]
    await objects.rewraps.start(now())
    await objects.rewraps.idle()
    await objects.rewraps.idle()
    expect(jobOf()?.state).toBe('done')
    expect(await keyOf('late')).toBe(next)
    expect(now().slots.map(({ rootKeyCrn }) => rootKeyCrn)).not.toContain(key)
  })

  it('when the bucket passes through that key', async () => {
    const test = await setUp()
    const { kms, put, keyOf, move, now, key } = test
    const [own, next] = [await kms.newRootKey(), await kms.newRootKey()]
    await put('usual')
    const expectStayed = await withEveryKind(own, test)
    await move(own)
    await put('named', { ...under(own), bucketKey: true })
    await expectStayed()
    await move(next)
    await expectStayed()
    expect(await keyOf('usual')).toBe(next)
    // It asked for what the bucket had anyway.
    expect(await keyOf('named')).toBe(next)
    expect(now().slots.map(({ rootKeyCrn }) => rootKeyCrn)).not.toContain(key)
    await move(own)
    await move(key)
    await expectStayed()
    expect(await keyOf('usual')).toBe(key)
  })

  it('whatever is rotated, moved, rewrapped, updated and interrupted in which order', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const dice = diceFrom(`own keys ${seed}`)
      const stored = memoryStore()
      let test = await setUp({ stored, rewrap: { perSecond: dice.pick([0, 100, 3]) } })
      const { disk, kms, key } = test
      const keys = [key, await kms.newRootKey(), await kms.newRootKey()]
      const owns = [await kms.newRootKey(), keys[1] ?? '', keys[2] ?? '']
      const expected = new Map<string, string>()
      for (let at = 0; at < 6; at++) await test.put(`k${at}`)
      for (let step = 0; step < 25; step++) {
        const name = `k${dice.below(6)}`
        const { objects, now } = test
        const crn = dice.pick(owns)
        const act = dice.below(8)
        if (act === 0) await kms.rotate(dice.pick([...keys, ...owns]))
        if (act === 1) await objects.rewraps.start(now())
        if (act === 2) {
          const to = { encryption: 'customer-managed', rootKeyCrn: dice.pick(keys), bucketKey: dice.below(2) === 0 }
          await objects.moveBucket(now(), { ...to, encryption: 'customer-managed' })
        }
        if (act === 3 || act === 4) {
          const bucketKey = dice.below(2) === 0
          if (act === 3) await test.update(name, crn, { bucketKey })
          else await test.put(name, { ...under(crn), bucketKey })
          // What asks for the key of the bucket goes with it.
          if (crn === now().rootKeyCrn) expected.delete(name)
          else expected.set(name, crn)
        }
        if (act === 5) await objects.rewraps.idle()
        if (act === 6) {
          await objects.close()
          const perSecond = dice.pick([0, 100, 3])
          test = await setUp({ stored, disk, kms, lease: `${step}`.padStart(16, '0'), rewrap: { perSecond } })
        }
        for (const [at, own] of expected) expect(await test.keyOf(at), `${at} in ${seed}, ${step}`).toBe(own)
      }
      await test.objects.close()
      test = await setUp({ stored, disk, kms, lease: 'f'.repeat(16) })
      await test.rewrap()
      expect(test.jobOf()?.state).toBe('done')
      for (let at = 0; at < 6; at++) {
        expect(await test.keyOf(`k${at}`)).toBe(expected.get(`k${at}`) ?? test.now().rootKeyCrn)
      }
      expect((await test.objects.recount()).differences).toEqual([])
      await test.objects.close()
    }
  }, 60_000)
})

describe('a successor of a key slot', () => {
  const slot = (id: number, rootKeyCrn: string, more: Partial<KeySlot> = {}): KeySlot =>
    ({
      ...{ id, kind: 'root', rootKeyCrn, encryption: 'customer-managed', createdAtMs: 0 },
      ...more,
    }) as KeySlot
  const table = (rootKeyCrn: string, ...slots: KeySlot[]) =>
    ({ rootKeyCrn, encryption: 'customer-managed', slots, slot: 0, nextSlot: 9 }) as const

  it('is under the same root key, but for what leaves the bucket’s own as it moves', () => {
    const before = table('A', slot(0, 'A'), slot(1, 'B', { own: true }), slot(2, 'A', { own: true }))
    const changed = (...slots: KeySlot[]) => table('C', ...slots, slot(3, 'C'), slot(4, 'B', { own: true }))
    const moved = slot(0, 'A', { successor: 3 })
    expect(() => checkDestinations(before, changed(moved, slot(1, 'B', { successor: 4 })))).not.toThrow()
    expect(() => checkDestinations(before, changed(moved, slot(1, 'B', { successor: 3 })))).toThrow('key slot 1')
    expect(() => checkDestinations(before, changed(moved, slot(2, 'A', { successor: 3 })))).toThrow('key slot 2')
    const stays = table('A', slot(0, 'A', { successor: 1 }), slot(1, 'B', { own: true }))
    expect(() => checkDestinations(before, stays)).toThrow('key slot 0')
  })

  it('may be the one of a slot that went', () => {
    const before = table('C', slot(0, 'A', { successor: 1 }), slot(1, 'B', { successor: 2 }), slot(2, 'C'))
    expect(() => checkDestinations(before, table('C', slot(0, 'A', { successor: 2 }), slot(2, 'C')))).not.toThrow()
  })
})

describe('a key that refuses', () => {
  it.each(['disabled', 'deleted'])(
    'keeps nothing under another one from being rewrapped or moved (%s)',
    async (how) => {
      const { objects, kms, now, put, keyOf, rewrap, move, jobOf, versionsOf, key } = await setUp()
      const own = await kms.newRootKey()
      const third = await kms.newRootKey()
      for (let at = 0; at < 3; at++) await put(`usual ${at}`)
      await put('own', { ...under(own), bucketKey: true })
      await put('third', { ...under(third), bucketKey: true })
      await kms.rotate(own)
      if (how === 'disabled') await kms.disable(own)
      else await kms.remove(own)
      const old = (await versionsOf(key)).map(({ keyVersion }) => keyVersion)
      const oldThird = (await versionsOf(third)).map(({ keyVersion }) => keyVersion)
      await kms.rotate(key)
      await kms.rotate(third)
      await rewrap()
      const problem = how === 'disabled' ? 'RootKeyDisabled' : 'RootKeyNotFound'
      expect(jobOf()).toMatchObject({ refusals: [{ rootKeyCrn: own, problem }] })
      // What is deleted is not waited for: it has no other version.
      expect(jobOf()?.state).toBe(how === 'disabled' ? 'running' : 'done')
      expect((await versionsOf(key)).map(({ keyVersion }) => keyVersion)).not.toEqual(old)
      expect(await versionsOf(key)).toHaveLength(1)
      expect((await versionsOf(third)).map(({ keyVersion }) => keyVersion)).not.toEqual(oldThird)
      expect(await versionsOf(third)).toHaveLength(1)
      const next = await kms.newRootKey()
      await move(next)
      expect(await keyOf('usual 1')).toBe(next)
      expect(await objects.keyUsage(key)).toMatchObject({ versions: [], buckets: [] })
      if (how === 'deleted') return
      await kms.enable(own)
      objects.rewraps.wake()
      await objects.rewraps.idle()
      expect(jobOf()?.state).toBe('done')
      expect(jobOf()).not.toHaveProperty('refusals')
      expect(await versionsOf(own)).toHaveLength(1)
      expect(now().slots.every(isOpen)).toBe(true)
      expect(await keyOf('own')).toBe(own)
    },
  )

  it('lets others go on when it is the bucket’s own', async () => {
    const { objects, kms, put, rewrap, jobOf, versionsOf, key } = await setUp()
    const own = await kms.newRootKey()
    await put('usual')
    await put('own', { ...under(own), bucketKey: true })
    const old = (await versionsOf(own))[0]?.keyVersion
    await kms.rotate(own)
    await kms.disable(key)
    await rewrap()
    expect(jobOf()).toMatchObject({ state: 'running', problem: 'RootKeyDisabled', refusals: [{ rootKeyCrn: key }] })
    expect(await versionsOf(own)).toEqual([expect.objectContaining({ objects: 1 })])
    expect((await versionsOf(own))[0]?.keyVersion).not.toBe(old)
    await kms.enable(key)
    objects.rewraps.wake()
    await objects.rewraps.idle()
    expect(jobOf()?.state).toBe('done')
  })

  it('refuses in the midst of it, and is told as the one that did', async () => {
    const slow: { target?: string; wraps: number; meanwhile: () => Promise<void> } = {
      wraps: 0,
      meanwhile: async () => {},
    }
    const test = await setUp({
      provider: (inner): KeyProvider => ({
        ...inner,
        wrap: async (call, ...rest) => {
          if (call.rootKeyCrn === slow.target && ++slow.wraps === 4) await slow.meanwhile()
          return inner.wrap(call, ...rest)
        },
      }),
    })
    const { objects, kms, put, now, keyOf, jobOf } = test
    for (let at = 0; at < 40; at++) await put(`usual ${at}`)
    const own = await kms.newRootKey()
    await put('zz own', { ...under(own), bucketKey: true })
    const target = await kms.newRootKey()
    slow.target = target
    slow.meanwhile = () => kms.disable(target)
    await objects.moveBucket(now(), { encryption: 'customer-managed', rootKeyCrn: target, bucketKey: false })
    await objects.rewraps.idle()
    const problem = 'RootKeyDisabled'
    expect(jobOf()).toMatchObject({ state: 'running', problem, refusals: [{ rootKeyCrn: target, problem }] })
    await kms.enable(target)
    objects.rewraps.wake()
    await objects.rewraps.idle()
    expect(jobOf()?.state).toBe('done')
    for (let at = 0; at < 40; at++) expect(await keyOf(`usual ${at}`)).toBe(target)
    expect(await keyOf('zz own')).toBe(own)
  })

  it('is not asked where nothing lies under it any more', async () => {
    const { objects, kms, now, put, rewrap, jobOf } = await setUp()
    const own = await kms.newRootKey()
    await put('own', { ...under(own), bucketKey: true })
    await objects.delete({ bucket: now(), key: 'own', conditions: {} })
    await kms.remove(own)
    await rewrap()
    expect(jobOf()).toMatchObject({ state: 'done' })
    expect(jobOf()).not.toHaveProperty('refusals')
    expect(now().slots.map(({ rootKeyCrn }) => rootKeyCrn)).not.toContain(own)
  })
})

describe('a bucket with as many keys as it may have', () => {
  it('is rotated and moved, and its row has room for that', async () => {
    const sizes: number[] = []
    const { kms, put, keyOf, rewrap, move, jobOf, now, key } = await setUp({
      metadata: (inner) => ({
        ...inner,
        commit: (writes) => {
          for (const write of writes) {
            if (write.type === 'put' && write.space === SPACE.bucket) sizes.push(write.value.length)
          }
          return inner.commit(writes)
        },
      }),
    })
    const owns = [key]
    while (owns.length < MAX_OPEN_SLOTS) {
      const own = await kms.newRootKey()
      owns.push(own)
      await put(own, { ...under(own), bucketKey: true })
    }
    const oneMore = put('more', { ...under(await kms.newRootKey()), bucketKey: true })
    await expect(oneMore).rejects.toMatchObject({ code: 'TooManyKeys' })
    const before = now().slots.map(({ id }) => id)
    for (const own of owns) await kms.rotate(own)
    await rewrap()
    expect(jobOf()?.state).toBe('done')
    expect(now().slots.some(({ id }) => before.includes(id))).toBe(false)
    await move(await kms.newRootKey())
    expect(jobOf()?.state).toBe('done')
    for (const own of owns.slice(1)) expect(await keyOf(own)).toBe(own)
    // Of 64 KiB; a service elsewhere may answer with larger ciphertexts, and names may be longer.
    expect(Math.max(...sizes)).toBeLessThan(56 * 1024)
    expect(Math.max(...sizes)).toBeGreaterThan(30 * 1024)
  })
})
