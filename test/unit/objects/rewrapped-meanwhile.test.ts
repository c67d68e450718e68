import { describe, expect, it } from 'vitest'
import type { BlobId } from '../../../src/storage/blob/blob-store.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'
import { memoryBlobStore } from '../../support/fakes/memory-blob-store.ts'

const MIB = 1024 * 1024
const DAY_MS = 86_400_000

/** A bucket with an object `a`, and ways to put things under other keys. */
async function setUp({ size = 1, perSecond = 0 } = {}) {
  const cold = new Map<BlobId, Buffer>()
  const disk = new Map<BlobId, Buffer>()
  const storageClasses = new Map([['COLD', memoryBlobStore('0'.repeat(16), cold)]])
  const engine = await testEngine({ disk, storageClasses, rewrap: { perSecond } })
  const { objects, newBucket, time } = engine
  const bucket = await objects.createBucket({ ...newBucket, bucketKey: true })
  const now = () => objects.buckets.get('bucket')
  await objects.put({ bucket, key: 'a', body: bodyOf(Buffer.alloc(size, 'a')), ...plain })
  const keyOf = async (key: string) => {
    using object = await objects.open({ bucket: now(), key })
    return object.protection.rootKeyCrn
  }
  const update = (key: string, rootKeyCrn: string) =>
    objects.updateEncryption({ bucket: now(), key, encryption: 'customer-managed', rootKeyCrn, bucketKey: true })
  const rename = (check: () => Promise<unknown>) =>
    objects.rename({ bucket: now(), from: 'a', to: 'b', conditions: {}, check: async () => void (await check()) })
  /** Of the object `a`, a byte, then whatever happens, and another one. */
  const append = (meanwhile: () => Promise<unknown>) => {
    const stream = (async function* () {
      yield Buffer.from('b')
      await meanwhile()
      yield Buffer.from('c')
    })()
    return objects.append({ bucket: now(), key: 'a', offsetBytes: size, body: { stream, lengthBytes: 2 }, ...plain })
  }
  const rewrapAll = async () => {
    await objects.rewraps.start(now())
    await objects.rewraps.idle()
  }
  /** Everything that there is now goes to another class. */
  const chill = async () => {
    await objects.changeDocument(now(), 'lifecycle', () => ({
      rules: [{ id: 'x', enabled: true, filter: {}, transitions: [{ days: 1, storageClass: 'COLD' }] }],
    }))
    time.nowMs += 3 * DAY_MS
    await objects.lifecycle.pass()
  }
  return { ...engine, bucket, now, keyOf, update, rename, append, rewrapAll, chill, cold, disk }
}

describe('a renaming', () => {
  it('does not undo what put the object under another key meanwhile', async () => {
    const { objects, kms, now, keyOf, update, rename } = await setUp()
    const [own, next] = [await kms.newRootKey(), await kms.newRootKey()]
    // The slots are there before, so that the bucket's row tells nothing.
    for (const key of [own, next]) {
      await objects.put({ bucket: now(), key: 'other', body: bodyOf('x'), ...plain })
      await update('other', key)
    }
    await rename(() => update('a', own))
    expect(await keyOf('b')).toBe(own)
    await objects.rename({ bucket: now(), from: 'b', to: 'a', conditions: {}, check: () => update('b', next) })
    await kms.disable(own)
    expect(await keyOf('a')).toBe(next)
    expect((await objects.recount()).differences).toEqual([])
  })

  it('goes on when the slot that the object was in is succeeded and dropped', async () => {
    const { objects, kms, bucket, now, keyOf, rename, rewrapAll } = await setUp()
    const before = now().slots
    await rename(async () => {
      await kms.rotate(bucket.rootKeyCrn)
      await rewrapAll()
      expect(now().slots).not.toEqual(before)
    })
    expect(await keyOf('b')).toBe(bucket.rootKeyCrn)
    expect(await readAll(objects, now(), 'b')).toBe('a')
    await rewrapAll()
    const { versions } = await objects.keyUsage(bucket.rootKeyCrn)
    expect(versions.filter((of) => of.objects > 0)).toHaveLength(1)
  })

  it('ends when the key that the object is under by now is disabled', async () => {
    const { objects, kms, now, update, rename, time } = await setUp({ size: 4 * MIB })
    const own = await kms.newRootKey()
    await objects.put({ bucket: now(), key: 'b', body: bodyOf('b'), ...plain })
    const renamed = rename(async () => {
      await update('a', own)
      await kms.disable(own)
      time.nowMs += 2000
    })
    await expect(renamed).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    expect(await readAll(objects, now(), 'b')).toBe('b')
  })

  it('leaves the bytes where the class says that the object came to meanwhile', async () => {
    const { objects, now, rename, chill, cold, disk } = await setUp()
    let moved = 0
    await rename(async () => {
      if (moved++ === 0) await chill()
    })
    await objects.garbage.settled()
    expect((await objects.known({ bucket: now(), key: 'b' }))?.storageClass).toBe('COLD')
    expect([disk.size, cold.size]).toEqual([0, 1])
    expect(await readAll(objects, now(), 'b')).toBe('a')
  })

  it('does not undo that nothing was appended meanwhile', async () => {
    const { objects, now, rename } = await setUp()
    const nothing = () => objects.append({ bucket: now(), key: 'a', offsetBytes: 1, body: bodyOf(''), ...plain })
    await expect(rename(nothing)).rejects.toMatchObject({ code: 'ConditionalRequestConflict' })
    using object = await objects.open({ bucket: now(), key: 'a' })
    expect(object.manifest.etag).toMatch(/-2$/)
  })
})

describe('an append', () => {
  it('ends when the key that the object is under by now is disabled', async () => {
    const { objects, kms, now, update, append, time } = await setUp()
    const own = await kms.newRootKey()
    const appended = append(async () => {
      await update('a', own)
      await kms.disable(own)
      time.nowMs += 2000
    })
    await expect(appended).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await kms.enable(own)
    expect(await readAll(objects, now(), 'a')).toBe('a')
  })

  it('leaves the bytes where the class says that the object came to meanwhile', async () => {
    const { objects, now, append, chill, cold, disk } = await setUp()
    await append(chill)
    await objects.garbage.settled()
    expect((await objects.known({ bucket: now(), key: 'a' }))?.storageClass).toBe('COLD')
    expect([disk.size, cold.size]).toEqual([0, 2])
    expect(await readAll(objects, now(), 'a')).toBe('abc')
  })
})

describe('a part that is uploaded', () => {
  it('is ended when the key that the upload is under by now is disabled', async () => {
    const { objects, kms, now, time } = await setUp({ perSecond: 1 })
    const next = await kms.newRootKey()
    const { uploadId } = await objects.createUpload({ bucket: now(), key: 'm', attributes: plain.attributes })
    const find = () => objects.findUpload({ bucket: now(), key: 'm', uploadId })
    let goesOn = false
    const stream = (async function* () {
      yield Buffer.from('b')
      await objects.moveBucket(now(), { encryption: 'customer-managed', rootKeyCrn: next, bucketKey: true })
      // Uploads go first; the object still keeps the former slot in use.
      await expect.poll(async () => (await find()).protection.rootKeyCrn).toBe(next)
      expect(now().slots).toHaveLength(2)
      await kms.disable(next)
      time.nowMs += 2000
      yield Buffer.from('c')
      goesOn = true
    })()
    const part = objects.uploadPart(await find(), 1, { stream, lengthBytes: 2 })
    await expect(part).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    expect(goesOn).toBe(false)
    await objects.close()
  })
})

describe('a download', () => {
  it('ends when the key that the object is under by now is disabled, and goes on while only the former one is', async () => {
    const { objects, kms, bucket, now, update, time } = await setUp({ size: 4 * MIB })
    const own = await kms.newRootKey()
    using object = await objects.open({ bucket: now(), key: 'a' })
    const reader = object.read({ start: 0, end: object.manifest.sizeBytes })[Symbol.asyncIterator]()
    const read = async () => {
      time.nowMs += 2000
      return (await reader.next()).done
    }
    expect(await read()).toBe(false)
    await update('a', own)
    await kms.disable(bucket.rootKeyCrn)
    expect(await read()).toBe(false)
    await kms.enable(bucket.rootKeyCrn)
    await kms.disable(own)
    await expect(read()).rejects.toMatchObject({ code: 'RootKeyDisabled' })
  })

  it('stays under the key that the object was last seen under when it is replaced', async () => {
    const { objects, kms, now, update, time } = await setUp({ size: 4 * MIB })
    const own = await kms.newRootKey()
    using object = await objects.open({ bucket: now(), key: 'a' })
    const reader = object.read({ start: 0, end: object.manifest.sizeBytes })[Symbol.asyncIterator]()
    const read = async () => {
      time.nowMs += 2000
      return (await reader.next()).done
    }
    await update('a', own)
    expect(await read()).toBe(false)
    await objects.put({ bucket: now(), key: 'a', body: bodyOf('new'), ...plain })
    expect(await read()).toBe(false)
    await kms.disable(own)
    await expect(read()).rejects.toMatchObject({ code: 'RootKeyDisabled' })
  })
})
