import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

/** A body during which something else happens. */
const interrupted = (text: string, work: () => Promise<void>) => ({
  stream: (async function* () {
    yield Buffer.from(text.slice(0, 1))
    await work()
    yield Buffer.from(text.slice(1))
  })(),
  lengthBytes: text.length,
})

const MIB = 1024 * 1024

describe('a root key that is disabled', () => {
  it('while a body arrives keeps the object from being committed, and nothing stays of it', async () => {
    const { objects, makeBucket, kms, newBucket, disk } = await testEngine()
    const bucket = await makeBucket()
    const body = interrupted('secret', () => kms.disable(newBucket.rootKeyCrn))
    const put = objects.put({ bucket, key: 'key', body, ...plain })
    await expect(put).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await kms.enable(newBucket.rootKeyCrn)
    await expect(readAll(objects, bucket, 'key')).rejects.toMatchObject({ code: 'NoSuchKey' })
    expect(disk.size).toBe(0)
  })

  it('while a part arrives keeps the part from being committed, and nothing stays of it', async () => {
    const { objects, makeBucket, kms, newBucket, disk } = await testEngine()
    const bucket = await makeBucket()
    const { uploadId } = await objects.createUpload({ bucket, key: 'key', attributes: plain.attributes })
    const upload = await objects.findUpload({ bucket, key: 'key', uploadId })
    const body = interrupted('secret', () => kms.disable(newBucket.rootKeyCrn))
    await expect(objects.uploadPart(upload, 1, body)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await kms.enable(newBucket.rootKeyCrn)
    expect(await objects.listParts(upload, 0, 10)).toEqual([])
    expect(disk.size).toBe(0)
  })

  it('while a long body arrives ends it within two seconds of arriving, also when the clock is set back', async () => {
    for (const step of [2000, -3_600_000]) {
      const { objects, makeBucket, kms, newBucket, time, disk } = await testEngine()
      const bucket = await makeBucket()
      let sent = 0
      const stream = (async function* () {
        for (; sent < 64; sent++) {
          if (sent === 8) {
            await kms.disable(newBucket.rootKeyCrn)
            time.nowMs += step
          }
          yield Buffer.alloc(64 * 1024, 'x')
        }
      })()
      const put = objects.put({ bucket, key: 'key', body: { stream, lengthBytes: 4 * MIB }, ...plain })
      await expect(put).rejects.toMatchObject({ code: 'RootKeyDisabled' })
      expect(sent).toBeLessThan(16)
      expect(disk.size).toBe(0)
    }
  })

  it('keeps an upload from being completed', async () => {
    const { objects, makeBucket, kms, newBucket } = await testEngine()
    const bucket = await makeBucket()
    const { uploadId } = await objects.createUpload({ bucket, key: 'key', attributes: plain.attributes })
    const upload = await objects.findUpload({ bucket, key: 'key', uploadId })
    const { etag } = await objects.uploadPart(upload, 1, bodyOf('part'))
    const complete = () =>
      objects.completeUpload({ bucket, key: 'key', uploadId, parts: [{ number: 1, etag }], conditions: {} })
    await kms.disable(newBucket.rootKeyCrn)
    await expect(complete()).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await kms.enable(newBucket.rootKeyCrn)
    await complete()
    expect(await readAll(objects, bucket, 'key')).toBe('part')
  })

  it.each([
    ['in one body', 1],
    ['in parts', 3],
  ])('ends a long read of an object %s within two seconds of reading', async (_name, parts) => {
    const { objects, makeBucket, kms, newBucket, time } = await testEngine()
    const bucket = await makeBucket()
    const bytes = Buffer.alloc(2 * MIB, 'x')
    if (parts === 1) await objects.put({ bucket, key: 'key', body: bodyOf(bytes, bytes.length), ...plain })
    else {
      const { uploadId } = await objects.createUpload({ bucket, key: 'key', attributes: plain.attributes })
      const upload = await objects.findUpload({ bucket, key: 'key', uploadId })
      const listed: { readonly number: number; readonly etag: string }[] = []
      for (let number = 1; number <= parts; number++) {
        const { etag } = await objects.uploadPart(upload, number, bodyOf(bytes, bytes.length))
        listed.push({ number, etag })
      }
      await objects.completeUpload({ bucket, key: 'key', uploadId, parts: listed, conditions: {} })
    }
    using object = await objects.open({ bucket, key: 'key' })
    const reader = object.read({ start: 0, end: object.manifest.sizeBytes })[Symbol.asyncIterator]()
    expect((await reader.next()).done).toBe(false)
    await kms.disable(newBucket.rootKeyCrn)
    time.nowMs += 999
    expect((await reader.next()).done).toBe(false)
    time.nowMs += 1
    await expect(reader.next()).rejects.toMatchObject({ code: 'RootKeyDisabled' })
  })

  it('is asked for by itself while somebody watches, who hears of it', async () => {
    const { objects, makeBucket, kms, newBucket } = await testEngine()
    const bucket = await makeBucket()
    await objects.put({ bucket, key: 'key', body: bodyOf('text'), ...plain })
    using object = await objects.open({ bucket, key: 'key' })
    using watch = object.watch()
    expect(watch.revoked.aborted).toBe(false)
    await kms.disable(newBucket.rootKeyCrn)
    await once(watch.revoked, 'abort')
    expect(watch.revoked.reason).toMatchObject({ code: 'RootKeyDisabled' })
  })

  it('is asked for again before the first byte of a read that waited', async () => {
    const { objects, makeBucket, kms, newBucket, time } = await testEngine()
    const bucket = await makeBucket()
    await objects.put({ bucket, key: 'key', body: bodyOf('text'), ...plain })
    using object = await objects.open({ bucket, key: 'key' })
    await kms.disable(newBucket.rootKeyCrn)
    time.nowMs += 60_000
    const reader = object.read({ start: 0, end: 4 })[Symbol.asyncIterator]()
    await expect(reader.next()).rejects.toMatchObject({ code: 'RootKeyDisabled' })
  })

  it('locks what listings show of the content, and lets objects be deleted', async () => {
    const { objects, makeBucket, kms, newBucket, disk } = await testEngine()
    const bucket = await makeBucket()
    await objects.put({ bucket, key: 'key', body: bodyOf('text'), ...plain })
    await kms.disable(newBucket.rootKeyCrn)
    const query = { bucket, prefix: '', delimiter: '', after: '', limit: 10 }
    expect((await objects.list(query)).items).toMatchObject([{ key: 'key', sizeBytes: 4 }])
    expect((await objects.list(query)).items[0]?.summary).toBeUndefined()
    await objects.delete({ bucket, key: 'key', conditions: {} })
    await objects.garbage.settled()
    expect(disk.size).toBe(0)
  })
})

describe('a root key that has expired', () => {
  it('takes no part and completes no upload, and still opens what is stored', async () => {
    const { objects, kms, newBucket } = await testEngine()
    const { rootKeyCrn, expire } = await kms.expiringKey()
    const bucket = await objects.createBucket({ ...newBucket, rootKeyCrn })
    await objects.put({ bucket, key: 'old', body: bodyOf('stored before'), ...plain })
    const { uploadId } = await objects.createUpload({ bucket, key: 'key', attributes: plain.attributes })
    const upload = await objects.findUpload({ bucket, key: 'key', uploadId })
    const { etag } = await objects.uploadPart(upload, 1, bodyOf('part'))
    const during = objects.uploadPart(upload, 2, interrupted('secret', expire))
    await expect(during).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await expect(objects.uploadPart(upload, 2, bodyOf('new'))).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    const completing = objects.completeUpload({
      bucket,
      key: 'key',
      uploadId,
      parts: [{ number: 1, etag }],
      conditions: {},
    })
    await expect(completing).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    expect((await objects.listParts(upload, 0, 10)).map(({ number }) => number)).toEqual([1])
    expect(await readAll(objects, bucket, 'old')).toBe('stored before')
  })
})
