import { describe, expect, it, vi } from 'vitest'
import type { BlobId } from '../../../src/storage/blob/blob-store.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { bodyOf, plain, readAll, type TestEngineOptions, testEngine } from '../../support/engine.ts'

const LARGE = 300_000

async function setUp(options: TestEngineOptions = {}) {
  const disk = options.disk ?? new Map<BlobId, Buffer>()
  const test = await testEngine({ ...options, disk })
  const { objects, newBucket } = test
  await objects.createBucket({ ...newBucket, bucketKey: false })
  const now = () => objects.buckets.get('bucket')
  const put = (key: string, text = key) => objects.put({ bucket: now(), key, body: bodyOf(text), ...plain })
  const moveTo = (rootKeyCrn: string, reencrypt = true) =>
    objects.moveBucket(now(), { encryption: 'customer-managed', rootKeyCrn, bucketKey: false }, { reencrypt })
  const jobOf = () => objects.rewraps.jobs()[0]
  const ended = async () => {
    await objects.rewraps.idle()
    await objects.garbage.settled()
    return jobOf()
  }
  const sound = async () => {
    objects.scrub.begin()
    await objects.scrub.settled()
    expect([objects.scrub.findings(), (await objects.recount()).differences, test.failures]).toEqual([[], [], []])
  }
  return { ...test, disk, now, put, moveTo, jobOf, ended, sound, key: newBucket.rootKeyCrn }
}

/** A blob store whose reads wait while it is held. */
function gate() {
  let open: PromiseWithResolvers<void> | undefined
  let reads = 0
  const blobs: NonNullable<TestEngineOptions['blobs']> = (inner) => ({
    ...inner,
    get: async function* (id, range) {
      reads++
      for await (const chunk of inner.get(id, range)) {
        await open?.promise
        yield chunk
      }
    },
  })
  return {
    blobs,
    reads: () => reads,
    hold: () => {
      reads = 0
      open = Promise.withResolvers()
    },
    release: () => {
      open?.resolve()
      open = undefined
    },
  }
}

describe('re-encrypting what a bucket has', () => {
  it('gives each object a new data key and new bytes; plain moves do neither', async () => {
    const uses: string[] = []
    const test = await setUp({
      audit: {
        ready: () => {},
        settled: async () => {},
        record: ({ asker, use, dataKey, key }) => void uses.push(`${asker.action} ${use} ${dataKey} ${key}`),
      },
    })
    for (const key of ['a', 'b']) await test.put(key)
    const before = [...test.disk.keys()]
    await test.moveTo(await test.kms.newRootKey(), false)
    expect(await test.ended()).toMatchObject({ state: 'done', rewrapped: 2 })
    expect(test.jobOf()).not.toHaveProperty('reencrypts')
    expect([...test.disk.keys()]).toEqual(before)
    const target = await test.kms.newRootKey()
    await test.moveTo(target)
    expect(await test.ended()).toMatchObject({ state: 'done', rewrapped: 2, reencrypts: { versions: 2, bytes: 2 } })
    expect(test.disk.size).toBe(2)
    expect(before.filter((id) => test.disk.has(id))).toEqual([])
    expect(uses).toEqual(expect.arrayContaining(['store.reencrypt unwrap object a', 'store.reencrypt wrap object a']))
    expect((await test.objects.keyUsage(target)).versions).toEqual([expect.objectContaining({ objects: 2 })])
    expect(await readAll(test.objects, test.now(), 'a')).toBe('a')
    await test.sound()
  })

  it('goes on while clients write, delete, append and tag, and loses nothing of it', async () => {
    const test = await setUp()
    const { objects, now, put, kms } = test
    const expected = new Map<string, string>()
    for (let at = 0; at < 60; at++) {
      await put(`k${at}`)
      expected.set(`k${at}`, `k${at}`)
    }
    let over = false
    const client = async (number: number): Promise<void> => {
      for (let round = 0; !over; round++) {
        const key = `k${(round * 3 + number) % 60}`
        const target = { bucket: now(), key }
        const text = `${key} ${round}`
        const turn = round % 4
        if (turn === 0) await put(key, text)
        if (turn === 0) expected.set(key, text)
        const [known, had] = [await objects.known(target), expected.get(key) ?? '']
        if (turn === 1 && known) {
          const end = { ...plain, ...target, body: bodyOf('+'), offsetBytes: had.length }
          // What was sealed anew meanwhile is another envelope: the client is told, and nothing is appended.
          const isDone = await objects.append(end).then(
            () => true,
            () => false,
          )
          if (isDone) expected.set(key, `${had}+`)
        }
        if (turn === 2 && known)
          await objects.changeProperties(target, (is) => ({ ...is, tags: [{ key: 'r', value: text }] }))
        if (turn === 2 && known)
          expect(await (await objects.known(target))?.tags()).toEqual([{ key: 'r', value: text }])
        if (round % 11 === 0) {
          await objects.delete({ ...target, conditions: {} })
          expected.delete(key)
        }
      }
    }
    const clients = [0, 1, 2].map(client)
    for (let round = 0; round < 6; round++) {
      await test.moveTo(await kms.newRootKey())
      await kms.rotate(now().rootKeyCrn)
      await objects.rewraps.startOfKey(now().rootKeyCrn)
      expect(await test.ended()).toMatchObject({ state: 'done', reencrypts: {} })
      expect(now().slots).toHaveLength(1)
    }
    over = true
    await Promise.all(clients)
    for (const [key, text] of expected) expect([key, await readAll(objects, now(), key)]).toEqual([key, text])
    await objects.garbage.settled()
    await test.sound()
  })

  it('is paused in the middle of an object, goes on, and leaves nothing of the attempt', async () => {
    const slow = gate()
    const test = await setUp({ blobs: slow.blobs })
    await test.put('large', 'x'.repeat(LARGE))
    slow.hold()
    await test.moveTo(await test.kms.newRootKey())
    await vi.waitFor(() => expect(slow.reads()).toBeGreaterThan(0))
    const paused = test.objects.rewraps.pause(test.now())
    slow.release()
    expect((await paused).state).toBe('paused')
    expect(await test.ended()).toMatchObject({ state: 'paused', reencrypts: { versions: 0, bytes: 0 } })
    expect(test.disk.size).toBe(1)
    await test.objects.rewraps.resume(test.now())
    expect(await test.ended()).toMatchObject({ state: 'done', reencrypts: { versions: 1, bytes: LARGE } })
    expect(await readAll(test.objects, test.now(), 'large')).toBe('x'.repeat(LARGE))
    expect(test.disk.size).toBe(1)
    await test.sound()
  })

  it('is not begun anew because tags change meanwhile, and has the new ones', async () => {
    const slow = gate()
    const test = await setUp({ blobs: slow.blobs })
    await test.put('large', 'x'.repeat(LARGE))
    const move = async (meanwhile: () => Promise<unknown>): Promise<number> => {
      slow.hold()
      await test.moveTo(await test.kms.newRootKey())
      await vi.waitFor(() => expect(slow.reads()).toBeGreaterThan(0))
      await meanwhile()
      slow.release()
      expect(await test.ended()).toMatchObject({ state: 'done', reencrypts: { versions: 1, bytes: LARGE } })
      return slow.reads()
    }
    const undisturbed = await move(async () => {})
    const target = { bucket: test.now(), key: 'large' }
    const tags = [{ key: 'r', value: '1' }]
    expect(await move(() => test.objects.changeProperties(target, (is) => ({ ...is, tags })))).toBe(undisturbed)
    expect(await (await test.objects.known({ bucket: test.now(), key: 'large' }))?.tags()).toEqual(tags)
    expect(await readAll(test.objects, test.now(), 'large')).toBe('x'.repeat(LARGE))
    await test.sound()
  })

  it('goes on after a restart, with what is still to be sealed anew', async () => {
    const slow = gate()
    const stored = memoryStore()
    const first = await setUp({ stored, blobs: slow.blobs })
    for (let at = 0; at < 30; at++) await first.put(`k${at}`)
    slow.hold()
    await first.moveTo(await first.kms.newRootKey())
    await vi.waitFor(() => expect(slow.reads()).toBeGreaterThan(0))
    const closed = first.objects.close()
    slow.release()
    await closed
    const before = new Set(first.disk.keys())
    const { disk, kms } = first
    const again = await testEngine({ stored, disk, kms, lease: '1'.repeat(16) })
    await again.objects.rewraps.idle()
    await again.objects.garbage.settled()
    const [job] = again.objects.rewraps.jobs()
    expect(job).toMatchObject({ state: 'done' })
    expect(job?.reencrypts?.versions).toBeGreaterThan(20)
    const bucket = again.objects.buckets.get('bucket')
    for (let at = 0; at < 30; at++) expect(await readAll(again.objects, bucket, `k${at}`)).toBe(`k${at}`)
    expect([...disk.keys()].filter((id) => before.has(id)).length).toBeLessThan(10)
    expect(disk.size).toBe(30)
  })

  it('waits for a run that only rewraps, which takes along nothing of what is to be sealed anew', async () => {
    const test = await setUp({ rewrap: { perSecond: 200 } })
    for (let at = 0; at < 60; at++) await test.put(`k${at}`)
    const before = new Set(test.disk.keys())
    await test.kms.rotate(test.key)
    await test.objects.rewraps.start(test.now())
    const underBoth = async () =>
      expect((await test.objects.keyUsage(test.key)).versions.filter(({ objects }) => objects > 0)).toHaveLength(2)
    await vi.waitFor(underBoth, { interval: 5 })
    await test.moveTo(await test.kms.newRootKey())
    expect(await test.ended()).toMatchObject({ state: 'done', reencrypts: { versions: 60 } })
    expect([...test.disk.keys()].filter((id) => before.has(id))).toEqual([])
    await test.sound()
  })

  it('takes what is damaged along as it is', async () => {
    const test = await setUp()
    await test.put('whole')
    const before = new Set(test.disk.keys())
    await test.put('torn')
    const torn = [...test.disk.keys()].find((id) => !before.has(id)) ?? ''
    test.disk.set(torn, Buffer.from(test.disk.get(torn)?.map((byte, at) => (at === 70 ? byte ^ 1 : byte)) ?? []))
    const target = await test.kms.newRootKey()
    await test.moveTo(target)
    expect(await test.ended()).toMatchObject({ state: 'done', rewrapped: 2, reencrypts: { versions: 1, damaged: 1 } })
    expect((await test.objects.keyUsage(target)).versions).toEqual([expect.objectContaining({ objects: 2 })])
    expect(await readAll(test.objects, test.now(), 'whole')).toBe('whole')
    await expect(readAll(test.objects, test.now(), 'torn')).rejects.toMatchObject({ code: 'ObjectDamaged' })
  })

  it('waits for a root key that may not be used any more, and goes on when it may', async () => {
    const slow = gate()
    const test = await setUp({ blobs: slow.blobs })
    await test.put('large', 'x'.repeat(LARGE))
    const target = await test.kms.newRootKey()
    slow.hold()
    await test.moveTo(target)
    await vi.waitFor(() => expect(slow.reads()).toBeGreaterThan(0))
    await test.kms.disable(target)
    slow.release()
    expect(await test.ended()).toMatchObject({ state: 'running', problem: 'RootKeyDisabled' })
    expect(test.disk.size).toBe(1)
    await test.kms.enable(target)
    test.objects.rewraps.wake()
    expect(await test.ended()).toMatchObject({ state: 'done', reencrypts: { versions: 1 } })
    expect(await readAll(test.objects, test.now(), 'large')).toBe('x'.repeat(LARGE))
  })
})
