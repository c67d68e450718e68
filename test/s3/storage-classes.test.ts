import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CopyObjectCommand,
  HeadObjectCommand,
  type LifecycleRule,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  type StorageClass,
  type TransitionStorageClass,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { filesUnder } from '../support/files-under.ts'
import { complete, createUpload, MIN_PART_BYTES, sendPart } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

let directory: string
let test: ObjectHouse
let movedMs: number | undefined
const DAY_MS = 86_400_000
const settings = () => ({ COFFER_STORAGE_CLASSES: `STANDARD_IA=${directory}/ia,COLD=${directory}/cold` })
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-classes-'))
  test = await startObjectHouse({ settings: settings(), clock: { now: () => movedMs ?? Date.now() } })
})
afterEach(async () => {
  movedMs = undefined
  await test[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const asClass = (name: string) => ({ StorageClass: name as StorageClass })
const asTransition = (name: string) => ({ StorageClass: name as TransitionStorageClass })
const classOf = async (Key: string) =>
  (await test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key }))).StorageClass ?? 'STANDARD'
/** Bytes of all files of a store but its mark. */
async function bytesIn(place: string): Promise<Buffer> {
  return Buffer.concat([...(await filesUnder(place)).values()])
}
const storedIn = async (name: 'ia' | 'cold' | 'standard') => {
  await test.house.objects.garbage.settled()
  const place = name === 'standard' ? join(test.dataDir, 'blobs') : join(directory, name, 'blobs')
  return (await bytesIn(place)).length
}
const rules = (...Rules: LifecycleRule[]) =>
  test.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket: test.bucket, LifecycleConfiguration: { Rules } }))
const passAfter = async (days: number) => {
  movedMs = Date.now() + (days + 1) * DAY_MS
  await test.house.objects.lifecycle.pass()
  movedMs = undefined
}
const transitions = (...Transitions: LifecycleRule['Transitions'] & object): LifecycleRule => ({
  ...{ ID: 'move', Status: 'Enabled', Filter: {}, Transitions },
})
/** A pack that is appended to keeps what small blobs left behind. */
const SMALL_BYTES = 1000
const BIG = 'plaintext of the test '.repeat(20_000)

describe('A storage class', () => {
  it('is a store of its own: an upload names it, and is told so', async () => {
    await test.put('standard', BIG)
    const before = await storedIn('standard')
    await test.put('ia', BIG, asClass('STANDARD_IA'))
    expect(await storedIn('ia')).toBeGreaterThan(BIG.length)
    expect(await storedIn('standard')).toBe(before)
    expect(await storedIn('cold')).toBe(0)
    const { StorageClass, bytes } = await test.get('ia')
    expect([StorageClass, bytes.toString() === BIG]).toEqual(['STANDARD_IA', true])
    expect((await test.get('standard')).StorageClass).toBeUndefined()
    const { Contents = [] } = await test.s3.send(new ListObjectsV2Command({ Bucket: test.bucket }))
    expect(Contents.map(({ Key, StorageClass: listed }) => [Key, listed])).toEqual([
      ['ia', 'STANDARD_IA'],
      ['standard', 'STANDARD'],
    ])
    await test.put('ia', 'small')
    expect(await storedIn('ia')).toBe(0)
  })

  it('is kept by an upload in parts', async () => {
    const uploadId = await createUpload(test, 'parts', asClass('COLD'))
    const { Uploads } = await test.s3.send(new ListMultipartUploadsCommand({ Bucket: test.bucket }))
    expect(Uploads?.[0]?.StorageClass).toBe('COLD')
    const part = await sendPart(test, 'parts', uploadId, 1, 'x'.repeat(MIN_PART_BYTES))
    expect(await storedIn('cold')).toBeGreaterThan(MIN_PART_BYTES)
    const listed = await test.s3.send(new ListPartsCommand({ Bucket: test.bucket, Key: 'parts', UploadId: uploadId }))
    expect(listed.StorageClass).toBe('COLD')
    await complete(test, 'parts', uploadId, [part])
    expect(await classOf('parts')).toBe('COLD')
    expect((await test.get('parts')).bytes.length).toBe(MIN_PART_BYTES)
  })

  it('is changed by a copy to itself', async () => {
    await test.put('key', BIG, { Metadata: { kept: 'yes' }, ...asClass('COLD') })
    const copy = { Bucket: test.bucket, Key: 'key', CopySource: `${test.bucket}/key` }
    await test.s3.send(new CopyObjectCommand({ ...copy, ...asClass('STANDARD_IA') }))
    expect(await classOf('key')).toBe('STANDARD_IA')
    expect((await test.get('key')).Metadata).toEqual({ kept: 'yes' })
    expect(await storedIn('cold')).toBe(0)
  })

  it('that is not set up is refused before a byte is stored', async () => {
    for (const name of ['GLACIER', 'cold', '', '../cold']) {
      const headers = { 'x-amz-storage-class': name }
      const reply = await test.raw({ method: 'PUT', key: 'refused', body: 'x', headers })
      expect([name, outcome(reply)]).toEqual([name, '400 InvalidStorageClass'])
    }
    expect(await refusal(test.get('refused'))).toBe('404 NoSuchKey')
    expect(await refusal(rules(transitions({ Days: 1, StorageClass: 'GLACIER' })))).toBe('400 InvalidStorageClass')
  })

  it('holds no plaintext, whether it was written there or moved there', async () => {
    await test.put('written', BIG, asClass('COLD'))
    await test.put('moved', BIG)
    await rules(transitions({ Days: 1, StorageClass: 'STANDARD_IA' }))
    await passAfter(1)
    for (const place of ['ia', 'cold']) {
      const bytes = await bytesIn(join(directory, place))
      expect(bytes.includes('plaintext of the test')).toBe(false)
    }
    expect(await storedIn('ia')).toBeGreaterThan(2 * BIG.length)
  })
})

describe('A transition', () => {
  it('moves an object from store to store, and changes nothing else of it', async () => {
    const { ETag } = await test.put('key', BIG, { Metadata: { a: 'b' }, Tagging: 'x=y' })
    const parts = await createUpload(test, 'parts')
    const sent = [
      await sendPart(test, 'parts', parts, 1, 'x'.repeat(MIN_PART_BYTES)),
      await sendPart(test, 'parts', parts, 2, 'end'),
    ]
    await complete(test, 'parts', parts, sent)
    const { LastModified } = await test.get('key')
    await rules(transitions({ Days: 1, StorageClass: 'STANDARD_IA' }, { Days: 5, ...asTransition('COLD') }))
    // No whole day is over, at whatever hour this runs.
    await passAfter(-0.1)
    expect(await classOf('key')).toBe('STANDARD')
    await passAfter(2)
    expect([await classOf('key'), await classOf('parts')]).toEqual(['STANDARD_IA', 'STANDARD_IA'])
    expect(await storedIn('standard')).toBeLessThan(SMALL_BYTES)
    const moved = await test.get('key')
    expect(moved.bytes.toString()).toBe(BIG)
    expect(moved).toMatchObject({ ETag, LastModified, Metadata: { a: 'b' }, TagCount: 1 })
    expect((await test.get('parts')).bytes.toString()).toBe(`${'x'.repeat(MIN_PART_BYTES)}end`)
    await passAfter(6)
    expect([await classOf('key'), await classOf('parts')]).toEqual(['COLD', 'COLD'])
    expect(await storedIn('ia')).toBeLessThan(SMALL_BYTES)
    expect((await test.get('key', { Range: 'bytes=100000-100009' })).bytes.toString()).toBe(BIG.slice(100_000, 100_010))
    expect((await test.get('parts', { Range: 'bytes=-4' })).bytes.toString()).toBe('xend')
  })

  it('lets who reads the object read on', async () => {
    const bucket = test.house.objects.buckets.get(test.bucket)
    await test.put('key', BIG)
    await rules(transitions({ Days: 1, StorageClass: 'STANDARD_IA' }))
    using object = await test.house.objects.open({ bucket, key: 'key' })
    const half: Buffer[] = []
    for await (const chunk of object.read({ start: 0, end: BIG.length })) {
      if (half.length === 0) await passAfter(2)
      half.push(Buffer.from(chunk))
    }
    expect(Buffer.concat(half).toString()).toBe(BIG)
    expect(await classOf('key')).toBe('STANDARD_IA')
  })

  it('leaves small objects when it was told to', async () => {
    await test.put('small', 'x'.repeat(128 * 1024 - 1))
    await test.put('large', 'x'.repeat(128 * 1024))
    const Rules = [transitions({ Days: 0, StorageClass: 'STANDARD_IA' })]
    await test.s3.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: test.bucket,
        LifecycleConfiguration: { Rules },
        TransitionDefaultMinimumObjectSize: 'all_storage_classes_128K',
      }),
    )
    await passAfter(1)
    expect([await classOf('small'), await classOf('large')]).toEqual(['STANDARD', 'STANDARD_IA'])
    await rules(...Rules)
    await passAfter(1)
    expect(await classOf('small')).toBe('STANDARD_IA')
  })
})

describe('A transition of versions', () => {
  it('moves those that are not current', async () => {
    const Status = 'Enabled'
    const { Bucket } = { Bucket: test.bucket }
    await test.put('key', `${BIG}1`)
    await test.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))
    await test.put('key', `${BIG}2`)
    await test.put('key', `${BIG}3`)
    const toIa = [{ NoncurrentDays: 1, StorageClass: 'STANDARD_IA' } as const]
    await rules({ ID: 'old', Status, Filter: {}, NoncurrentVersionTransitions: toIa })
    await passAfter(1)
    const { Versions = [] } = await test.s3.send(new ListObjectVersionsCommand({ Bucket }))
    expect(Versions.map(({ StorageClass: listed }) => listed)).toEqual(['STANDARD', 'STANDARD_IA', 'STANDARD_IA'])
    const bodies = Versions.map(async ({ VersionId }) => (await test.get('key', { VersionId })).bytes.toString().at(-1))
    expect(await Promise.all(bodies)).toEqual(['3', '2', '1'])
  })
})

describe('The directory of a storage class', () => {
  it('is opened again with what it holds, and not without', async () => {
    const first = test
    await first.put('key', BIG, asClass('COLD'))
    await first.stop()
    const again = { directory: first.directory }
    const reopened = await startObjectHouse({ ...again, settings: settings() })
    expect((await reopened.get('key')).bytes.toString()).toBe(BIG)
    await reopened.stop()
    await rename(join(directory, 'cold'), join(directory, 'away'))
    await expect(startObjectHouse({ ...again, settings: settings() })).rejects.toMatchObject({
      code: 'StoreIncomplete',
    })
    const swapped = { COFFER_STORAGE_CLASSES: `STANDARD_IA=${directory}/away,COLD=${directory}/ia` }
    await expect(startObjectHouse({ ...again, settings: swapped })).rejects.toMatchObject({ code: 'ConfigInvalid' })
    const without = await startObjectHouse(again)
    expect(await refusal(without.get('key'))).toBe('503 ServiceUnavailable')
    await without.stop()
    await rename(join(directory, 'away'), join(directory, 'cold'))
    test = await startObjectHouse({ ...again, settings: settings() })
    expect((await test.get('key')).bytes.toString()).toBe(BIG)
    await rm(first.directory, { recursive: true, force: true })
  })
})
