import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { HEADER_SIZE, sealedLength } from '../../../src/envelope/segment.ts'
import type { Encrypting } from '../../../src/objects/encrypting.ts'
import { headKey, SPACE } from '../../../src/objects/keyspace.ts'
import { decodeObject, encodeObject } from '../../../src/objects/records.ts'
import { contentBytes } from '../../support/content.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

const setUp = async () => {
  const engine = await testEngine()
  const bucket = await engine.makeBucket()
  const { objects } = engine
  const rootKeyCrn = await engine.kms.newRootKey()
  const rootKey = { rootKeyCrn, encryption: 'customer-managed' } as const
  const put = (key: string, encrypting: Encrypting, body: Buffer | string = key) =>
    objects.put({ bucket, key, body: bodyOf(body), ...plain, encrypting })
  const read = async (key: string, customerKey?: Buffer, range?: { readonly start: number; readonly end: number }) => {
    using object = await objects.open({ bucket, key, customerKey })
    const chunks: Buffer[] = []
    for await (const chunk of object.read(range ?? { start: 0, end: object.manifest.sizeBytes }))
      chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks)
  }
  /** By another engine over the same store: what is put there behind the engine's back, it need not look at again. */
  const readAnew = async (key: string) => {
    const { stored, disk, kms } = engine
    const { objects: anew } = await testEngine({ stored, disk, kms, lease: '1'.repeat(16) })
    return readAll(anew, anew.buckets.get(bucket.name), key)
  }
  const recordOf = async (key: string) => {
    const row = await engine.stored.get(SPACE.head, headKey(bucket.id, key))
    return decodeObject(row?.value ?? Buffer.alloc(0))
  }
  const upload = async (key: string, encrypting: Encrypting, parts: readonly Buffer[], customerKey?: Buffer) => {
    const { uploadId } = await objects.createUpload({ bucket, key, ...plain, encrypting })
    const listed: { number: number; etag: string }[] = []
    for (const [index, part] of parts.entries()) {
      const found = await objects.findUpload({ bucket, key, uploadId })
      const { etag } = await objects.uploadPart(found, index + 1, bodyOf(part), customerKey)
      listed.push({ number: index + 1, etag })
    }
    return { uploadId, input: { bucket, key, uploadId, parts: listed, conditions: {} } }
  }
  return { ...engine, bucket, rootKey, put, read, readAnew, recordOf, upload }
}

const CUSTOMER_KEY = Buffer.alloc(32, 7)
const OTHER_KEY = Buffer.alloc(32, 8)
const SIZES = [0, 1, 65_535, 65_536, 65_537, 262_144, 262_145, 700_001]

describe('an object under a root key of its own', () => {
  it('is registered there, told as asked for, and read only while that key allows it', async () => {
    const { kms, objects, bucket, rootKey, put, read } = await setUp()
    const asked = { algorithm: 'aws:kms', keyName: 'alias', rootKeyCrn: rootKey.rootKeyCrn } as const
    const done = await put('own', { rootKey, asked })
    expect(done.protection).toMatchObject({ ...rootKey, algorithm: 'aws:kms', keyName: 'alias' })
    await put('usual', {})
    await kms.disable(rootKey.rootKeyCrn)
    await expect(read('own')).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await expect(put('another', { rootKey })).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    expect((await read('usual')).toString()).toBe('usual')
    await put('usual too', {})
    await kms.enable(rootKey.rootKeyCrn)
    expect((await read('own')).toString()).toBe('own')
    expect((await objects.keyUsage(rootKey.rootKeyCrn)).buckets).toMatchObject([{ name: bucket.name, current: false }])
    expect((await objects.recount()).differences).toEqual([])
  })

  it('is told as what it is after it came under another key', async () => {
    const { kms, objects, bucket, rootKey, put, read } = await setUp()
    await put('own', { rootKey, asked: { algorithm: 'aws:kms', keyName: 'alias', rootKeyCrn: rootKey.rootKeyCrn } })
    const to = await kms.newRootKey()
    await objects.updateEncryption({
      bucket,
      key: 'own',
      encryption: 'customer-managed',
      rootKeyCrn: to,
      bucketKey: false,
    })
    using object = await objects.open({ bucket, key: 'own' })
    expect(object.protection).toMatchObject({ algorithm: 'aws:kms', keyName: to, rootKeyCrn: to })
    expect((await read('own')).toString()).toBe('own')
  })

  it('keeps nothing else from being rewrapped when its key is taken away', async () => {
    const { kms, objects, bucket, rootKey, put, read, recordOf } = await setUp()
    await put('own', { rootKey })
    await put('usual', {})
    const before = (await recordOf('usual')).wrappedDek.keyVersion
    await kms.disable(rootKey.rootKeyCrn)
    await kms.rotate(bucket.rootKeyCrn)
    await objects.rewraps.start(bucket)
    await objects.rewraps.idle()
    const { rootKeyCrn } = rootKey
    const problem = 'RootKeyDisabled'
    expect(objects.rewraps.jobs()).toMatchObject([{ state: 'running', problem, refusals: [{ rootKeyCrn, problem }] }])
    expect((await recordOf('usual')).wrappedDek.keyVersion).not.toBe(before)
    await kms.enable(rootKey.rootKeyCrn)
    expect((await read('own')).toString()).toBe('own')
    objects.rewraps.wake()
    await objects.rewraps.idle()
    expect(objects.rewraps.jobs()).toMatchObject([{ state: 'done' }])
    expect(objects.rewraps.jobs()[0]).not.toHaveProperty('refusals')
  })

  it('may be an upload: each part asks that key, and the object has it', async () => {
    const { kms, objects, bucket, rootKey, read, upload } = await setUp()
    const { uploadId, input } = await upload('parts', { rootKey }, [Buffer.from('one'), Buffer.from('two')])
    await kms.disable(rootKey.rootKeyCrn)
    const found = await objects.findUpload({ bucket, key: 'parts', uploadId })
    await expect(objects.uploadPart(found, 3, bodyOf('three'))).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await expect(objects.completeUpload(input)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await kms.enable(rootKey.rootKeyCrn)
    expect((await objects.completeUpload(input)).protection).toMatchObject(rootKey)
    expect((await read('parts')).toString()).toBe('onetwo')
  })
})

describe('an encryption context', () => {
  it('is part of each wrap: without it, or with another, the key does not open', async () => {
    const { objects, bucket, put, read, readAnew, recordOf, stored } = await setUp()
    await put('bound', { context: { department: 'ten', a: 'ö' } })
    const { wrappedDek } = await recordOf('bound')
    expect(wrappedDek.context).toMatch(/^[\w-]{43}$/)
    await put('same', { context: { a: 'ö', department: 'ten' } })
    expect((await recordOf('same')).wrappedDek.context).toBe(wrappedDek.context)
    expect((await read('bound')).toString()).toBe('bound')
    const to = await objects.moveBucket(bucket, { encryption: 'provider-managed', rootKeyCrn: bucket.rootKeyCrn })
    await objects.rewraps.idle()
    expect(to.encryption).toBe('provider-managed')
    expect((await recordOf('bound')).wrappedDek).toMatchObject({ slot: to.slot, context: wrappedDek.context })
    expect((await read('bound')).toString()).toBe('bound')
    const row = await stored.get(SPACE.head, headKey(bucket.id, 'bound'))
    const text = row?.value.toString('latin1') ?? ''
    const forged = text.replace(wrappedDek.context ?? '', 'A'.repeat(43))
    const value = Buffer.from(forged, 'latin1')
    await stored.commit([{ type: 'put', space: SPACE.head, key: headKey(bucket.id, 'bound'), value }])
    await expect(readAnew('bound')).rejects.toMatchObject({ code: 'WrappedDekForged' })
  })
})

describe('an object in two layers', () => {
  it.each(SIZES)('gives back its %i bytes, whole and in ranges, and is stored twice sealed', async (size) => {
    const { put, read, recordOf, disk } = await setUp()
    const content = contentBytes('two layers', size)
    const { protection } = await put('twice', { twice: true }, content)
    expect(protection.algorithm).toBe('aws:kms:dsse')
    expect((await read('twice')).equals(content)).toBe(true)
    for (const [start, end] of [
      [0, Math.min(1, size)],
      [Math.floor(size / 2), size],
      [Math.min(65_530, size), Math.min(65_545, size)],
    ] as const) {
      expect((await read('twice', undefined, { start, end })).equals(content.subarray(start, end))).toBe(true)
    }
    const { data } = await recordOf('twice')
    const blob = 'blob' in data ? disk.get(data.blob) : undefined
    expect(blob?.length).toBe(sealedLength(sealedLength(size)))
  })

  it('may have parts, and may be copied into one layer', async () => {
    const { objects, put, read, upload } = await setUp()
    const parts = [contentBytes('one', 300_000), contentBytes('two', 70_000)]
    const { input } = await upload('parts', { twice: true }, parts)
    expect((await objects.completeUpload(input)).protection.algorithm).toBe('aws:kms:dsse')
    const whole = Buffer.concat(parts)
    expect((await read('parts')).equals(whole)).toBe(true)
    expect(
      (await read('parts', undefined, { start: 299_990, end: 300_010 })).equals(whole.subarray(299_990, 300_010)),
    ).toBe(true)
    await put('copy', {}, await read('parts'))
    expect((await read('copy')).equals(whole)).toBe(true)
  })

  it('is read as long as both its root key and that of the bucket allow it', async () => {
    const { kms, objects, bucket, rootKey, put, time } = await setUp()
    await put('twice', { twice: true, rootKey }, contentBytes('long', 2_000_000))
    for (const taken of [rootKey.rootKeyCrn, bucket.rootKeyCrn]) {
      using object = await objects.open({ bucket, key: 'twice' })
      const bytes = object.read({ start: 0, end: 2_000_000 })[Symbol.asyncIterator]()
      expect((await bytes.next()).done).toBe(false)
      await kms.disable(taken)
      time.nowMs += 2000
      const rest = async () => {
        for (let next = await bytes.next(); !next.done; next = await bytes.next());
      }
      await expect(rest()).rejects.toMatchObject({ code: 'RootKeyDisabled' })
      await expect(objects.open({ bucket, key: 'twice' })).rejects.toMatchObject({ code: 'RootKeyDisabled' })
      await kms.enable(taken)
    }
  })

  it('is refused when its bytes are changed, or the key of its outer layer is that of another object', async () => {
    const { bucket, put, recordOf, disk, read, readAnew, stored } = await setUp()
    await put('twice', { twice: true }, contentBytes('x', 1000))
    await put('other', { twice: true }, contentBytes('y', 1000))
    const record = await recordOf('twice')
    const blob = 'blob' in record.data ? record.data.blob : ''
    const bytes = disk.get(blob) ?? Buffer.alloc(0)
    const at = HEADER_SIZE + 60
    const flip = () => bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    flip()
    await expect(read('twice')).rejects.toMatchObject({ code: 'ObjectDamaged' })
    flip()
    expect((await read('twice')).length).toBe(1000)
    const { sealing } = await recordOf('other')
    const key = headKey(bucket.id, 'twice')
    await stored.commit([{ type: 'put', space: SPACE.head, key, value: encodeObject({ ...record, sealing }) }])
    await expect(readAnew('twice')).rejects.toMatchObject({ code: 'ObjectDamaged' })
  })
})

describe("an object with its customer's key", () => {
  it.each([0, 1, 65_537, 300_000])('of %i bytes opens with that key and no other', async (size) => {
    const { put, read } = await setUp()
    const content = contentBytes('customer', size)
    const done = await put('secret', { customerKey: CUSTOMER_KEY }, content)
    expect(done.protection.customerKey).toBe(true)
    expect((await read('secret', CUSTOMER_KEY)).equals(content)).toBe(true)
    await expect(read('secret')).rejects.toMatchObject({ code: 'CustomerKeyRequired' })
    await expect(read('secret', OTHER_KEY)).rejects.toMatchObject({ code: 'CustomerKeyWrong' })
    await put('open', {})
    await expect(read('open', CUSTOMER_KEY)).rejects.toMatchObject({ code: 'CustomerKeyNotApplicable' })
  })

  it('keeps nothing of the key, and an ETag that tells nothing of the content', async () => {
    const { objects, bucket, put, stored, disk } = await setUp()
    const customerKey = randomBytes(32)
    const first = await put('one', { customerKey }, 'the same')
    const second = await put('two', { customerKey }, 'the same')
    expect(first.etag).toMatch(/^[0-9a-f]{32}$/)
    expect(second.etag).not.toBe(first.etag)
    using object = await objects.open({ bucket, key: 'one', customerKey })
    expect(object.manifest.etag).toBe(first.etag)
    const rows = await stored.range(SPACE.head, { gte: Buffer.alloc(0), lt: Buffer.alloc(64, 0xff), limit: 100 })
    const all = Buffer.concat([...rows.map(({ value }) => value), ...disk.values()])
    for (const form of [customerKey, customerKey.toString('base64'), customerKey.toString('hex')])
      expect(all.includes(form)).toBe(false)
  })

  it('needs the root key all the same, and comes under another one without the customer', async () => {
    const { kms, objects, bucket, put, read } = await setUp()
    await put('secret', { customerKey: CUSTOMER_KEY })
    await kms.disable(bucket.rootKeyCrn)
    await expect(read('secret', CUSTOMER_KEY)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await kms.enable(bucket.rootKeyCrn)
    const rootKeyCrn = await kms.newRootKey()
    await objects.moveBucket(bucket, { encryption: 'customer-managed', rootKeyCrn })
    await objects.rewraps.idle()
    expect((await objects.keyUsage(bucket.rootKeyCrn)).buckets).toEqual([])
    expect((await read('secret', CUSTOMER_KEY)).toString()).toBe('secret')
    await expect(read('secret', OTHER_KEY)).rejects.toMatchObject({ code: 'CustomerKeyWrong' })
  })

  it('may be an upload, whose every step takes the same key', async () => {
    const { objects, bucket, read, upload } = await setUp()
    const encrypting = { customerKey: CUSTOMER_KEY }
    const { uploadId, input } = await upload('parts', encrypting, [Buffer.from('one')], CUSTOMER_KEY)
    const found = await objects.findUpload({ bucket, key: 'parts', uploadId })
    for (const wrong of [undefined, OTHER_KEY]) {
      await expect(objects.uploadPart(found, 2, bodyOf('x'), wrong)).rejects.toMatchObject({
        code: 'UploadKeyMismatch',
      })
      const completing = objects.completeUpload({ ...input, customerKey: wrong })
      await expect(completing).rejects.toMatchObject({ code: 'UploadKeyMismatch' })
    }
    const done = await objects.completeUpload({ ...input, customerKey: CUSTOMER_KEY })
    expect(done.protection.customerKey).toBe(true)
    expect((await read('parts', CUSTOMER_KEY)).toString()).toBe('one')
    const plainUpload = await upload('plain', {}, [Buffer.from('one')])
    const completing = objects.completeUpload({ ...plainUpload.input, customerKey: CUSTOMER_KEY })
    await expect(completing).rejects.toMatchObject({ code: 'UploadKeyMismatch' })
  })
})
