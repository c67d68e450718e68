import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { keysOf } from '../support/s3.ts'

let test: ObjectHouse
const ids: Record<string, (string | undefined)[]> = {}
beforeAll(async () => {
  test = await startObjectHouse()
  const { s3, bucket } = test
  await test.put('before', 'unversioned')
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  for (const key of ['before', 'a/1', 'a/2', 'b b+', 'b b+', 'gone']) {
    ids[key] = [(await test.put(key, `${key} ${ids[key]?.length ?? 0}`)).VersionId, ...(ids[key] ?? [])]
  }
  const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'gone' }))
  ids['gone'] = [VersionId, ...(ids['gone'] ?? [])]
})
afterAll(() => test[Symbol.asyncDispose]())

const list = (more: Partial<ListObjectVersionsCommandInput> = {}) =>
  test.s3.send(new ListObjectVersionsCommand({ Bucket: test.bucket, ...more }))

describe('ListObjectVersions', () => {
  it('lists versions and delete markers, newest first, and which is the latest', async () => {
    const { Versions, DeleteMarkers, IsTruncated, Name, MaxKeys } = await list()
    expect({ IsTruncated, Name, MaxKeys }).toEqual({ IsTruncated: false, Name: test.bucket, MaxKeys: 1000 })
    const [second, first] = ids['b b+'] ?? []
    const [marker, gone] = ids['gone'] ?? []
    expect(Versions?.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest])).toEqual([
      ['a/1', ids['a/1']?.[0], true],
      ['a/2', ids['a/2']?.[0], true],
      ['b b+', second, true],
      ['b b+', first, false],
      ['before', ids['before']?.[0], true],
      ['before', 'null', false],
      ['gone', gone, false],
    ])
    expect(DeleteMarkers).toMatchObject([{ Key: 'gone', VersionId: marker, IsLatest: true }])
    expect(DeleteMarkers?.[0]?.Owner?.ID).toBe(Versions?.[0]?.Owner?.ID)
    expect(Versions?.[2]).toMatchObject({
      Size: 6,
      StorageClass: 'STANDARD',
      ETag: expect.stringMatching(/^"\w{32}"$/),
    })
    expect(Versions?.[2]?.LastModified?.getTime()).toBeGreaterThan(Date.now() - 60_000)
    // ListObjects shows what is current and no marker.
    expect(await keysOf(test.s3, test.bucket)).toEqual(['a/1', 'a/2', 'b b+', 'before'])
  })

  it('has markers and versions of a key in one order', async () => {
    const text = (await test.raw({ method: 'GET', key: '', query: { prefix: 'gone', versions: '' } })).body.toString()
    expect([...text.matchAll(/<(Version|DeleteMarker)>/g)].map(([, name]) => name)).toEqual(['DeleteMarker', 'Version'])
  })

  it('goes page by page, within the versions of a key too', async () => {
    const found: (string | undefined)[] = []
    let marker: Partial<ListObjectVersionsCommandInput> = {}
    for (let page = 0; page < 20; page++) {
      const reply = await list({ MaxKeys: 1, ...marker })
      found.push([...(reply.Versions ?? []), ...(reply.DeleteMarkers ?? [])][0]?.VersionId)
      expect(reply.KeyMarker ?? '').toBe(marker.KeyMarker ?? '')
      if (!reply.IsTruncated) break
      marker = { KeyMarker: reply.NextKeyMarker, VersionIdMarker: reply.NextVersionIdMarker }
    }
    expect(found).toEqual(
      ['a/1', 'a/2', 'b b+', 'before', 'gone'].flatMap((key) => [
        ...(ids[key] ?? []),
        ...(key === 'before' ? ['null'] : []),
      ]),
    )
  })

  it('groups by a delimiter, and goes on behind a common prefix', async () => {
    const reply = await list({ Delimiter: '/', MaxKeys: 1 })
    expect(reply).toMatchObject({ CommonPrefixes: [{ Prefix: 'a/' }], IsTruncated: true, NextKeyMarker: 'a/' })
    expect(reply.NextVersionIdMarker).toBeUndefined()
    const rest = await list({ Delimiter: '/', KeyMarker: 'a/' })
    expect(rest.CommonPrefixes).toBeUndefined()
    expect(rest.Versions?.[0]?.Key).toBe('b b+')
  })

  it('encodes names when asked to', async () => {
    const reply = await list({ Prefix: 'b b', EncodingType: 'url' })
    expect(reply).toMatchObject({ Prefix: 'b%20b', EncodingType: 'url' })
    expect(reply.Versions?.map(({ Key }) => Key)).toEqual(['b%20b%2B', 'b%20b%2B'])
  })

  it('lists the null version of each key of a bucket that never had versioning', async () => {
    const { s3 } = test
    await s3.send(new CreateBucketCommand({ Bucket: 'never-versioned' }))
    await s3.send(new PutObjectCommand({ Bucket: 'never-versioned', Key: 'k', Body: 'x' }))
    expect((await list({ Bucket: 'never-versioned' })).Versions).toMatchObject([
      { Key: 'k', VersionId: 'null', IsLatest: true },
    ])
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'never-versioned' }))
    expect(Contents).toHaveLength(1)
  })

  it('refuses a version id without a key and what is no version id', async () => {
    expect(await refusal(list({ VersionIdMarker: 'null' }))).toBe('400 InvalidArgument')
    expect(await refusal(list({ KeyMarker: 'k', VersionIdMarker: 'no id' }))).toBe('400 InvalidArgument')
    expect(await refusal(list({ Bucket: 'not-there' }))).toBe('404 NoSuchBucket')
    expect(await refusal(list({ MaxKeys: 0 }))).toBe('200')
  })
})
