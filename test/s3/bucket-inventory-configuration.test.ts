import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import {
  DeleteBucketInventoryConfigurationCommand,
  DeleteObjectCommand,
  GetBucketInventoryConfigurationCommand,
  GetObjectCommand,
  type InventoryConfiguration,
  ListBucketInventoryConfigurationsCommand,
  PutBucketInventoryConfigurationCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { filesUnder } from '../support/files-under.ts'
import { complete, createUpload, sendPart } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { isDone, replicate, rule, versioned } from '../support/replication.ts'
import { keysOf, makeBucket } from '../support/s3.ts'

const DAY_MS = 86_400_000
let test: ObjectHouse
let movedMs: number | undefined
beforeEach(async () => {
  test = await startObjectHouse({
    accounts: [mainAccount, otherAccount],
    clock: { now: () => movedMs ?? Date.now() },
  })
  await makeBucket(test.s3, 'reports')
})
afterEach(async () => {
  movedMs = undefined
  await test[Symbol.asyncDispose]()
})

const configuration = (more: Partial<InventoryConfiguration> = {}): InventoryConfiguration => ({
  Id: 'daily',
  IsEnabled: true,
  IncludedObjectVersions: 'Current',
  Schedule: { Frequency: 'Daily' },
  Destination: { S3BucketDestination: { Bucket: 'arn:aws:s3:::reports', Format: 'CSV', Prefix: 'inventory' } },
  ...more,
})
const put = (given: InventoryConfiguration) =>
  test.s3.send(
    new PutBucketInventoryConfigurationCommand({
      ...{ Bucket: test.bucket, Id: given.Id, InventoryConfiguration: given },
    }),
  )
const get = async (Id: string) =>
  (await test.s3.send(new GetBucketInventoryConfigurationCommand({ Bucket: test.bucket, Id }))).InventoryConfiguration
const bytesOf = async (Key: string) => {
  const { Body } = await test.s3.send(new GetObjectCommand({ Bucket: 'reports', Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}
const reports = async () => (await keysOf(test.s3, 'reports')).filter((key) => key.endsWith('manifest.json'))
async function report(manifestKey: string) {
  const text = await bytesOf(manifestKey)
  const manifest: { fileSchema: string; files: { key: string; size: number; MD5checksum: string }[] } = JSON.parse(
    text.toString(),
  )
  const files = await Promise.all(manifest.files.map(({ key }) => bytesOf(key)))
  const rows = files.map((file) => gunzipSync(file).toString()).join('')
  return {
    manifest,
    files,
    text,
    rows: rows
      .split('\n')
      .slice(0, -1)
      .map((row) => row.slice(1, -1).split('","')),
  }
}

describe('The inventories of a bucket', () => {
  it('are what was put, each by its id, and go', async () => {
    const whole = configuration({
      Id: 'whole',
      IsEnabled: false,
      IncludedObjectVersions: 'All',
      Schedule: { Frequency: 'Weekly' },
      Filter: { Prefix: 'p' },
      OptionalFields: ['Size', 'ETag', 'LastModifiedDate'],
    })
    await put(configuration())
    await put(whole)
    expect(await get('whole')).toEqual(whole)
    expect(await get('daily')).toEqual(configuration())
    const list = new ListBucketInventoryConfigurationsCommand({ Bucket: test.bucket })
    const { InventoryConfigurationList, IsTruncated } = await test.s3.send(list)
    expect([InventoryConfigurationList, IsTruncated]).toEqual([[configuration(), whole], false])
    const remove = () =>
      test.s3.send(new DeleteBucketInventoryConfigurationCommand({ Bucket: test.bucket, Id: 'whole' }))
    await remove()
    expect(await refusal(get('whole'))).toBe('404 NoSuchConfiguration')
    expect(await refusal(remove())).toBe('404 NoSuchConfiguration')
  })

  it('are refused where no report could or should be written', async () => {
    await makeBucket(test.client(otherAccount), 'theirs')
    const to = (more: object) => ({
      Destination: { S3BucketDestination: { Bucket: 'arn:aws:s3:::reports', Format: 'CSV' as const, ...more } },
    })
    for (const [more, expected] of [
      [to({ Bucket: 'arn:aws:s3:::nowhere' }), '400 InvalidS3DestinationBucket'],
      [to({ Bucket: 'arn:aws:s3:::theirs' }), '400 InvalidS3DestinationBucket'],
      [to({ Bucket: 'reports' }), '400 InvalidS3DestinationBucket'],
      [to({ Format: 'Parquet' }), '501 NotImplemented'],
      [to({ Format: 'XLS' }), '400 MalformedXML'],
      [to({ Encryption: { SSES3: {} } }), '501 NotImplemented'],
      [{ OptionalFields: ['ObjectAccessControlList'] }, '501 NotImplemented'],
      [{ OptionalFields: ['Colour'] }, '400 MalformedXML'],
      [{ Schedule: { Frequency: 'Hourly' } }, '400 MalformedXML'],
      [{ IncludedObjectVersions: 'Old' }, '400 MalformedXML'],
    ] as const) {
      const given = { ...configuration(), ...more } as InventoryConfiguration
      expect([more, await refusal(put(given))]).toEqual([more, expected])
    }
    expect(await refusal(get('daily'))).toBe('404 NoSuchConfiguration')
  })
})

describe('A report', () => {
  it('lists what there is, with its manifest', async () => {
    const { ETag } = await test.put('in/a key,"ü"', 'twelve bytes')
    const uploadId = await createUpload(test, 'in/parts')
    const part = await sendPart(test, 'in/parts', uploadId, 1, 'part')
    await complete(test, 'in/parts', uploadId, [part])
    await test.put('out', 'x')
    await put(
      configuration({
        Filter: { Prefix: 'in/' },
        OptionalFields: ['Size', 'ETag', 'StorageClass', 'IsMultipartUploaded', 'LastModifiedDate'],
      }),
    )
    await test.house.objects.inventories.pass()
    const [key = ''] = await reports()
    expect(key).toMatch(
      new RegExp(`^inventory/${test.bucket}/daily/\\d{4}-\\d\\d-\\d\\dT\\d\\d-\\d\\dZ/manifest.json$`),
    )
    const { manifest, rows, files, text } = await report(key)
    expect(manifest).toMatchObject({
      sourceBucket: test.bucket,
      destinationBucket: 'arn:aws:s3:::reports',
      version: '2016-11-30',
      fileFormat: 'CSV',
      fileSchema: 'Bucket, Key, Size, ETag, StorageClass, IsMultipartUploaded, LastModifiedDate',
    })
    const date = expect.stringMatching(/^\d{4}-.*Z$/)
    expect(rows).toEqual([
      [test.bucket, 'in/a%20key%2C%22%C3%BC%22', '12', ETag?.slice(1, -1), 'STANDARD', 'false', date],
      [test.bucket, 'in/parts', '4', expect.stringMatching(/-1$/), 'STANDARD', 'true', date],
    ])
    const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex')
    expect(manifest.files.map(({ size, MD5checksum }) => [size, MD5checksum])).toEqual(
      files.map((file) => [file.length, md5(file)]),
    )
    const sum = await bytesOf(key.replace('manifest.json', 'manifest.checksum'))
    expect(sum.toString()).toBe(`${md5(text)}\n`)
  })

  it('lists versions and delete markers when it is to', async () => {
    const { bucket: Bucket } = test
    await test.put('key', 'null version')
    await test.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    const { VersionId } = await test.put('key', 'second')
    const { VersionId: marker } = await test.s3.send(new DeleteObjectCommand({ Bucket, Key: 'key' }))
    await put(configuration({ IncludedObjectVersions: 'All', OptionalFields: ['Size'] }))
    await test.house.objects.inventories.pass()
    const { rows, manifest } = await report((await reports())[0] ?? '')
    expect(manifest.fileSchema).toBe('Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size')
    expect(rows).toEqual([
      [Bucket, 'key', marker, 'true', 'true', ''],
      [Bucket, 'key', VersionId, 'false', 'false', '6'],
      [Bucket, 'key', '', 'false', 'false', '12'],
    ])
  })

  it('tells how far replication is', async () => {
    const { bucket: Bucket, s3 } = test
    await test.put('before', 'x')
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    await versioned(s3, 'replicas')
    await replicate(s3, Bucket, rule('arn:aws:s3:::replicas'))
    await test.put('gone', 'x')
    await isDone(s3, Bucket, 'gone')
    for (const IncludedObjectVersions of ['All', 'Current'] as const) {
      await put(
        configuration({ Id: IncludedObjectVersions, IncludedObjectVersions, OptionalFields: ['ReplicationStatus'] }),
      )
    }
    await test.house.objects.inventories.pass()
    for (const key of await reports()) {
      const { rows } = await report(key)
      expect(rows.map((row) => [row[1], row.at(-1)])).toEqual([
        ['before', ''],
        ['gone', 'COMPLETED'],
      ])
    }
    expect(await reports()).toHaveLength(2)
  })

  it('comes once a day, or a week, while it is enabled', async () => {
    await put(configuration())
    await put(configuration({ Id: 'weekly', Schedule: { Frequency: 'Weekly' } }))
    await put(configuration({ Id: 'off', IsEnabled: false }))
    const started = Date.now()
    const ids = async (days: number) => {
      movedMs = Math.floor(started / DAY_MS) * DAY_MS + days * DAY_MS
      if (days === 0) movedMs = started
      await test.house.objects.inventories.pass()
      movedMs = undefined
      return (await reports()).map((key) => key.split('/')[2])
    }
    expect(await ids(0)).toEqual(['daily', 'weekly'])
    expect(await ids(0)).toEqual(['daily', 'weekly'])
    expect(await ids(1)).toEqual(['daily', 'daily', 'weekly'])
    expect(await ids(6)).toEqual(['daily', 'daily', 'daily', 'weekly'])
    expect(await ids(7)).toEqual(['daily', 'daily', 'daily', 'daily', 'weekly', 'weekly'])
  })

  it('is sealed as all there is', async () => {
    await test.put('a-name-in-the-report', 'x')
    await put(configuration())
    await test.house.objects.inventories.pass()
    const bytes = Buffer.concat([...(await filesUnder(join(test.dataDir, 'blobs'))).values()])
    expect(bytes.length).toBeGreaterThan(500)
    // Of the manifest, and the magic of gzip with its usual header.
    expect(bytes.includes('fileSchema')).toBe(false)
    expect(bytes.includes(Buffer.from([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3]))).toBe(false)
  })
})
