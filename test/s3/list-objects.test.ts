import { ListObjectsCommand, type ListObjectsCommandInput } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

const list = (input: Partial<ListObjectsCommandInput> = {}) =>
  test.s3.send(new ListObjectsCommand({ Bucket: test.bucket, ...input }))
const rawList = (query: Record<string, string>) => test.raw({ method: 'GET', key: '', query })

/** As a client without paginator goes on: NextMarker where there is one, else the last key. */
async function allPages(input: Partial<ListObjectsCommandInput>): Promise<string[]> {
  const names: string[] = []
  let marker = input.Marker
  for (;;) {
    const page = await list({ ...input, ...(marker === undefined ? {} : { Marker: marker }) })
    const keys = (page.Contents ?? []).map(({ Key = '' }) => Key)
    const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix)
    expect(keys).toEqual(keys.toSorted(byUtf8))
    expect(prefixes).toEqual(prefixes.toSorted(byUtf8))
    names.push(...[...keys, ...prefixes].sort(byUtf8))
    if (!page.IsTruncated) return names
    expect(keys.length + prefixes.length).toBe(input.MaxKeys ?? 1000)
    expect(page.NextMarker !== undefined).toBe(Boolean(input.Delimiter))
    marker = page.NextMarker ?? keys.at(-1)
  }
}

describe('ListObjects', () => {
  it('lists what PutObject stored', async () => {
    const { Contents = [], IsTruncated, MaxKeys, Name, Prefix, Marker, Delimiter } = await list()
    expect(Contents.map(({ Key }) => Key)).toEqual(KEYS.toSorted(byUtf8))
    expect([IsTruncated, MaxKeys, Name, Prefix ?? '', Marker ?? '', Delimiter]).toEqual([
      false,
      1000,
      test.bucket,
      '',
      '',
      undefined,
    ])
    for (const { Key = '', Size, ETag, LastModified, Owner, StorageClass } of Contents) {
      expect(Size).toBe(Buffer.byteLength(Key))
      expect(ETag).toMatch(/^"[0-9a-f]{32}"$/)
      expect(LastModified).toBeInstanceOf(Date)
      expect([Owner?.ID === undefined, StorageClass]).toEqual([false, 'STANDARD'])
    }
  })

  it('goes by bytes of UTF-8, not by units of UTF-16', async () => {
    const { Contents = [] } = await list({ Prefix: '\uff5e' })
    const first = Contents[0]?.Key ?? ''
    const { Contents: after = [] } = await list({ Marker: first })
    // U+FF5E comes before U+1F600 by bytes and after it by UTF-16 units.
    expect(after.some(({ Key = '' }) => Key.startsWith('\u{1f600}'))).toBe(true)
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

  it('goes on behind any marker, be it a key or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join('')),
        fc.constantFrom('', 'a', '\u{1f600}'),
        async (marker, prefix) => {
          const names = await allPages({ Prefix: prefix, Marker: marker, MaxKeys: 50 })
          const model = modelListing(KEYS, { prefix, delimiter: '' })
          expect(names).toEqual(model.filter((key) => byUtf8(key, marker) > 0))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('does not report a common prefix again behind itself', async () => {
    const delimiter = '/'
    const names = modelListing(KEYS, { prefix: '', delimiter })
    const common = names.find((name) => name.endsWith('/') && !KEYS.includes(name)) ?? ''
    const { Contents = [], CommonPrefixes = [] } = await list({ Delimiter: delimiter, Marker: common })
    const listed = [...Contents.map(({ Key = '' }) => Key), ...CommonPrefixes.map(({ Prefix = '' }) => Prefix)]
    expect(listed.sort(byUtf8)).toEqual(names.filter((name) => byUtf8(name, common) > 0))
  })

  it('gives nothing, and no more of it, for a page of no keys', async () => {
    const { Contents, IsTruncated, MaxKeys } = await list({ MaxKeys: 0 })
    expect([Contents, IsTruncated, MaxKeys]).toEqual([undefined, false, 0])
  })

  it('never has more than 1000 keys on a page, whatever is asked for', async () => {
    expect(outcome(await rawList({ 'max-keys': '2147483647' }))).toBe('200')
    const { Contents = [], MaxKeys } = await list({ MaxKeys: 5000 })
    expect([Contents.length, MaxKeys]).toEqual([KEYS.length, 1000])
  })

  it.each([
    ['max-keys', '-1'],
    ['max-keys', 'all'],
    ['max-keys', '1.5'],
    ['max-keys', '2147483648'],
    ['max-keys', '0x10'],
    ['encoding-type', 'base64'],
    ['encoding-type', 'URL'],
  ])('refuses %s=%s', async (name, value) => {
    expect(outcome(await rawList({ [name]: value }))).toBe('400 InvalidArgument')
  })

  it('encodes keys, markers and common prefixes when asked to', async () => {
    const { Contents = [], EncodingType } = await list({ EncodingType: 'url' })
    expect(EncodingType).toBe('url')
    expect(Contents.every(({ Key = '' }) => /^[\w.~%/*!'()+-]*$/.test(Key))).toBe(true)
    const decoded = Contents.map(({ Key = '' }) => decodeURIComponent(Key.replaceAll('+', ' ')))
    expect(decoded).toEqual(KEYS.toSorted(byUtf8))
    const grouped = await list({ EncodingType: 'url', Delimiter: 'é', Marker: '&' })
    expect(grouped.Marker).toBe('%26')
    expect(decodeURIComponent(grouped.Delimiter ?? '')).toBe('é')
    const prefixes = (grouped.CommonPrefixes ?? []).map(({ Prefix = '' }) =>
      decodeURIComponent(Prefix.replaceAll('+', ' ')),
    )
    const names = modelListing(KEYS, { prefix: '', delimiter: 'é' }).filter((name) => byUtf8(name, '&') > 0)
    expect(prefixes).toEqual(names.filter((name) => name.includes('é')))
  })

  it('stays XML whatever the keys hold', async () => {
    for (const key of ['xml/<&>"\'', 'xml/\u0001\u001f', 'xml/ ends in space ']) await test.put(key, 'x')
    const reply = await rawList({ prefix: 'xml/', 'encoding-type': 'url' })
    const keys = [...reply.body.toString().matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key = '']) =>
      decodeURIComponent(key),
    )
    expect(keys).toEqual(['xml/\u0001\u001f', 'xml/ ends in space ', 'xml/<&>"\''])
    const plain = (await rawList({ prefix: 'xml/' })).body.toString()
    expect(plain).not.toContain('\u0001')
    expect(plain).toContain('xml/&lt;&amp;&gt;')
  })

  it('finds nothing under a prefix that nothing has', async () => {
    const { Contents, CommonPrefixes, IsTruncated, Prefix } = await list({ Prefix: 'no such prefix', Delimiter: '/' })
    expect([Contents, CommonPrefixes, IsTruncated, Prefix]).toEqual([undefined, undefined, false, 'no such prefix'])
    expect((await list({ Marker: '\u{10ffff}' })).Contents).toBeUndefined()
  })

  it('does not see what another bucket holds', async () => {
    const bucket = 'objects-2'
    expect(await refusal(list({ Bucket: bucket }))).toBe('404 NoSuchBucket')
  })

  it('sees a write and a delete at once', async () => {
    for (let round = 0; round < 5; round++) {
      await test.put('seen-at-once', 'x')
      expect((await list({ Prefix: 'seen-' })).Contents?.length).toBe(1)
      await test.raw({ method: 'DELETE', key: 'seen-at-once' })
      expect((await list({ Prefix: 'seen-' })).Contents).toBeUndefined()
    }
  })
})
