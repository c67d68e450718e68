import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
} from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { byUtf8, DELIMITERS, modelKeys, modelListing } from '../support/listing-model.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

let test: ObjectHouse
/** Some keys have several uploads. */
const KEYS = [...modelKeys(25), 'a', 'a/', 'a/b', 'a/b', 'a/b', 'a//', 'a//b', 'zz']
const uploads: { readonly key: string; readonly id: string }[] = []

beforeAll(async () => {
  // A clock that never stands still, so that one upload is always started before the other.
  let tick = 0
  test = await startObjectHouse({ clock: { now: () => Date.now() + ++tick } })
  for (const key of KEYS) {
    const { UploadId = '' } = await test.s3.send(new CreateMultipartUploadCommand({ Bucket: test.bucket, Key: key }))
    uploads.push({ key, id: UploadId })
  }
  // An object is no upload.
  await test.put('a/object', 'x')
})
afterAll(() => test[Symbol.asyncDispose]())

const list = (input: Partial<ListMultipartUploadsCommandInput> = {}) =>
  test.s3.send(new ListMultipartUploadsCommand({ Bucket: test.bucket, ...input }))

/** Names in the order of the pages, and the upload ids of all items. */
async function allPages(input: Partial<ListMultipartUploadsCommandInput>) {
  const names: string[] = []
  const ids: string[] = []
  let marker: Partial<ListMultipartUploadsCommandInput> = {}
  for (let pages = 0; ; pages++) {
    expect(pages).toBeLessThan(100)
    const page = await list({ ...input, ...marker })
    const items = (page.Uploads ?? []).map(({ Key = '', UploadId = '' }) => ({ name: Key, id: UploadId }))
    const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => ({ name: Prefix, id: '' }))
    const both = [...items, ...prefixes].sort((a, b) => byUtf8(a.name, b.name))
    if (input.MaxUploads !== undefined) expect(both.length).toBeLessThanOrEqual(input.MaxUploads)
    names.push(...both.map(({ name }) => name))
    ids.push(...items.map(({ id }) => id))
    if (!page.IsTruncated) return { names, ids }
    expect(both.length).toBeGreaterThan(0)
    marker = {
      ...(page.NextKeyMarker === undefined ? {} : { KeyMarker: page.NextKeyMarker }),
      ...(page.NextUploadIdMarker ? { UploadIdMarker: page.NextUploadIdMarker } : {}),
    }
  }
}

describe('ListMultipartUploads', () => {
  it('lists every upload by key, those of one key in the order they were started', async () => {
    const { Uploads = [], IsTruncated, MaxUploads, KeyMarker } = await list()
    const expected = uploads
      .map((upload, started) => ({ ...upload, started }))
      .sort((a, b) => byUtf8(a.key, b.key) || a.started - b.started)
    expect(Uploads.map(({ Key }) => Key)).toEqual(expected.map(({ key }) => key))
    expect(Uploads.map(({ UploadId }) => UploadId)).toEqual(expected.map(({ id }) => id))
    expect([IsTruncated, MaxUploads, KeyMarker ?? '']).toEqual([false, 1000, ''])
    for (const { Initiated, StorageClass, Owner, Initiator } of Uploads) {
      expect(Initiated).toBeInstanceOf(Date)
      expect(StorageClass).toBe('STANDARD')
      expect(Owner?.ID).toBe(Initiator?.ID)
    }
  })

  it('gives every upload once over pages of any size, with any prefix and delimiter', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('', 'a', 'a/', 'b', '/', 'é', '\u{1f600}', 'none'),
        fc.constantFrom(...DELIMITERS),
        fc.integer({ min: 1, max: 12 }),
        async (prefix, delimiter, size) => {
          const { names, ids } = await allPages({
            Prefix: prefix,
            MaxUploads: size,
            ...(delimiter === '' ? {} : { Delimiter: delimiter }),
          })
          const plain = modelListing(KEYS, { prefix, delimiter: '' }).filter(
            (key) => delimiter === '' || key.indexOf(delimiter, prefix.length) < 0,
          )
          const repeated = uploads.filter(({ key }) => plain.includes(key))
          expect([...new Set(names)]).toEqual(modelListing(KEYS, { prefix, delimiter }))
          expect(ids.toSorted()).toEqual(repeated.map(({ id }) => id).toSorted())
        },
      ),
      { numRuns: 40 },
    )
  })

  it('starts behind all uploads of a key marker, and inside them with an upload id', async () => {
    const all = (await list({ Prefix: 'a/b' })).Uploads ?? []
    const ofKey = all.filter(({ Key }) => Key === 'a/b')
    expect(ofKey.length).toBe(3)
    const behind = (await list({ Prefix: 'a/b', KeyMarker: 'a/b' })).Uploads ?? []
    expect(behind.map(({ UploadId }) => UploadId)).toEqual(all.slice(3).map(({ UploadId }) => UploadId))
    const inside = (await list({ Prefix: 'a/b', KeyMarker: 'a/b', UploadIdMarker: ofKey[0]?.UploadId ?? '' })).Uploads
    expect(inside?.map(({ UploadId }) => UploadId)).toEqual(all.slice(1).map(({ UploadId }) => UploadId))
  })

  it('encodes names when asked to', async () => {
    const { Uploads = [], EncodingType } = await list({ EncodingType: 'url' })
    expect(EncodingType).toBe('url')
    const decoded = Uploads.map(({ Key = '' }) => decodeURIComponent(Key.replaceAll('+', ' ')))
    expect(decoded).toEqual(KEYS.toSorted(byUtf8))
    expect(Uploads.every(({ Key = '' }) => /^[\w.~%/*!'()+-]*$/.test(Key))).toBe(true)
  })

  it('says of an upload which checksum it was started with', async () => {
    const target = { Bucket: test.bucket, Key: 'checksum/key' }
    const { UploadId } = await test.s3.send(
      new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'SHA256' }),
    )
    const { Uploads: [upload] = [] } = await list({ Prefix: 'checksum/' })
    expect([upload?.ChecksumAlgorithm, upload?.ChecksumType]).toEqual(['SHA256', 'COMPOSITE'])
    await test.s3.send(new AbortMultipartUploadCommand({ ...target, UploadId }))
    expect((await list({ Prefix: 'checksum/' })).Uploads ?? []).toEqual([])
  })

  it('gives nothing, and no more of it, for a page of no uploads', async () => {
    const { Uploads, IsTruncated, MaxUploads } = await list({ MaxUploads: 0 })
    expect([Uploads, IsTruncated, MaxUploads]).toEqual([undefined, false, 0])
  })

  it.each([
    ['max-uploads', '-1'],
    ['max-uploads', 'x'],
    ['max-uploads', '2147483648'],
    ['encoding-type', 'base64'],
  ])('refuses %s=%s', async (name, value) => {
    const reply = await test.raw({ method: 'GET', key: '', query: { uploads: '', [name]: value } })
    expect(outcome(reply)).toBe('400 InvalidArgument')
  })

  it('answers 404 for a bucket that is not there', async () => {
    expect(await refusal(list({ Bucket: 'nowhere' }))).toBe('404 NoSuchBucket')
  })
})
