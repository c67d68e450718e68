import { rm } from 'node:fs/promises'
import { ListObjectsV2Command, type ListObjectsV2CommandInput } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startHouse } from '../support/house.ts'
import { byUtf8, DELIMITERS, modelKeys, modelListing, PIECES } from '../support/listing-model.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

let test: ObjectHouse
const KEYS = modelKeys(120)

beforeAll(async () => {
  test = await startObjectHouse()
  await Promise.all(KEYS.map((key) => test.put(key, key)))
})
afterAll(() => test[Symbol.asyncDispose]())

const list = (input: Partial<ListObjectsV2CommandInput> = {}) =>
  test.s3.send(new ListObjectsV2Command({ Bucket: test.bucket, ...input }))
const rawList = (query: Record<string, string>) =>
  test.raw({ method: 'GET', key: '', query: { 'list-type': '2', ...query } })

async function allPages(input: Partial<ListObjectsV2CommandInput>): Promise<string[]> {
  const names: string[] = []
  let token: string | undefined
  for (;;) {
    const page = await list({ ...input, ...(token === undefined ? {} : { ContinuationToken: token }) })
    const keys = (page.Contents ?? []).map(({ Key = '' }) => Key)
    const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix)
    expect(page.KeyCount).toBe(keys.length + prefixes.length)
    expect(page.ContinuationToken).toBe(token)
    names.push(...[...keys, ...prefixes].sort(byUtf8))
    token = page.NextContinuationToken
    expect(page.IsTruncated).toBe(token !== undefined)
    if (token === undefined) return names
    expect(page.KeyCount).toBe(input.MaxKeys ?? 1000)
  }
}

describe('ListObjectsV2', () => {
  it('lists what PutObject stored, without its owner unless asked for', async () => {
    const { Contents = [], IsTruncated, MaxKeys, KeyCount } = await list()
    expect(Contents.map(({ Key }) => Key)).toEqual(KEYS.toSorted(byUtf8))
    expect([IsTruncated, MaxKeys, KeyCount]).toEqual([false, 1000, KEYS.length])
    for (const { Key = '', Size, ETag, Owner } of Contents) {
      expect(Size).toBe(Buffer.byteLength(Key))
      expect(ETag).toMatch(/^"[0-9a-f]{32}"$/)
      expect(Owner).toBeUndefined()
    }
    const { Contents: owned = [] } = await list({ FetchOwner: true })
    expect(owned.every(({ Owner }) => Boolean(Owner?.ID))).toBe(true)
  })

  it('is the sorted set of keys and common prefixes, in pages of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...PIECES), { maxLength: 2 }).map((pieces) => pieces.join('')),
        fc.constantFrom(...DELIMITERS),
        fc.integer({ min: 1, max: 40 }),
        async (prefix, delimiter, size) => {
          const names = await allPages({
            Prefix: prefix,
            MaxKeys: size,
            ...(delimiter === '' ? {} : { Delimiter: delimiter }),
          })
          expect(names).toEqual(modelListing(KEYS, { prefix, delimiter }))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('starts after any name', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join('')),
        fc.integer({ min: 1, max: 60 }),
        async (after, size) => {
          const names = await allPages({ StartAfter: after, MaxKeys: size })
          expect(names).toEqual(KEYS.toSorted(byUtf8).filter((key) => byUtf8(key, after) > 0))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('prefers the token to start-after, and gives both back', async () => {
    const first = await list({ MaxKeys: 10 })
    const token = first.NextContinuationToken ?? ''
    const second = await list({ ContinuationToken: token, StartAfter: '\u{1f600}', MaxKeys: 10 })
    expect(second.Contents?.map(({ Key }) => Key)).toEqual(KEYS.toSorted(byUtf8).slice(10, 20))
    expect([second.ContinuationToken, second.StartAfter]).toEqual([token, '\u{1f600}'])
  })

  it('takes a token after the key that it ends with is gone, and after a restart', async () => {
    await using first = await startHouse()
    onTestFinished(() => rm(first.directory, { recursive: true, force: true }))
    const bucket = { Bucket: 'tokens' }
    const { client } = first
    const { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand } = await import('@aws-sdk/client-s3')
    await client().send(new CreateBucketCommand(bucket))
    for (const Key of ['a', 'b', 'c']) await client().send(new PutObjectCommand({ ...bucket, Key, Body: 'x' }))
    const page = await client().send(new ListObjectsV2Command({ ...bucket, MaxKeys: 2 }))
    const next = { ...bucket, ContinuationToken: page.NextContinuationToken }
    await client().send(new DeleteObjectCommand({ ...bucket, Key: 'b' }))
    await first.stop()
    await using second = await startHouse({ directory: first.directory })
    const rest = await second.client().send(new ListObjectsV2Command(next))
    expect(rest.Contents?.map(({ Key }) => Key)).toEqual(['c'])
  })

  it.each(['!', 'bm9wZQ==', 'MQ==', 'x'.repeat(5000)])('refuses the token %s', async (token) => {
    expect(outcome(await rawList({ 'continuation-token': token }))).toBe('400 InvalidArgument')
  })

  it.each(['', '1', '3', '02', 'v2'])('refuses list-type=%s', async (type) => {
    expect(outcome(await rawList({ 'list-type': type }))).toBe('400 InvalidArgument')
  })

  it('gives nothing, and no more of it, for a page of no keys', async () => {
    const { Contents, IsTruncated, MaxKeys, KeyCount, NextContinuationToken } = await list({ MaxKeys: 0 })
    expect([Contents, IsTruncated, MaxKeys, KeyCount, NextContinuationToken]).toEqual([
      undefined,
      false,
      0,
      0,
      undefined,
    ])
  })

  it.each([
    ['max-keys', '-1'],
    ['max-keys', 'all'],
    ['max-keys', '2147483648'],
    ['encoding-type', 'base64'],
  ])('refuses %s=%s', async (name, value) => {
    expect(outcome(await rawList({ [name]: value }))).toBe('400 InvalidArgument')
  })

  it('encodes every name when asked to, but not the token', async () => {
    const options = {
      EncodingType: 'url',
      Prefix: '\u{1f600}',
      StartAfter: '\u{1f600}&',
      MaxKeys: 2,
      Delimiter: '//',
    } as const
    const page = await list(options)
    expect([page.Prefix, page.StartAfter, page.Delimiter]).toEqual(['%F0%9F%98%80', '%F0%9F%98%80%26', '//'])
    expect(page.Contents?.every(({ Key = '' }) => Key.startsWith('%F0%9F%98%80'))).toBe(true)
    const next = await list({ ...options, ContinuationToken: page.NextContinuationToken })
    expect(next.ContinuationToken).toBe(page.NextContinuationToken)
  })

  it('says which checksum an object has', async () => {
    await test.put('summed', 'x', { ChecksumAlgorithm: 'SHA1' })
    const { Contents: [object] = [] } = await list({ Prefix: 'summed' })
    expect([object?.ChecksumAlgorithm, object?.ChecksumType]).toEqual([['SHA1'], 'FULL_OBJECT'])
  })

  it('answers 404 for a bucket that is not there', async () => {
    expect(await refusal(list({ Bucket: 'nowhere' }))).toBe('404 NoSuchBucket')
  })
})
