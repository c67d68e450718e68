import { beforeAll, describe, expect, it } from 'vitest'
import type { Bucket } from '../../../src/objects/buckets.ts'
import type { ListPage } from '../../../src/objects/listed-row.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'
import { byUtf8, DELIMITERS, modelKeys, modelListing } from '../../support/listing-model.ts'

/** No delimiter cuts it. */
const BUSY = 'ooo'
const KEYS = [...modelKeys(150), BUSY]
const PREFIXES = ['', 'a', 'a/', 'b', '-', 'é', 'nothing']

let objects: Objects
let bucket: Bucket

beforeAll(async () => {
  const engine = await testEngine()
  objects = engine.objects
  bucket = await engine.makeBucket()
  for (const key of KEYS) {
    await objects.put({ bucket, key, body: bodyOf(key), ...plain })
    await objects.createUpload({ bucket, key, attributes: plain.attributes })
  }
  // Several uploads of one key.
  for (let count = 0; count < 3; count++) {
    await objects.createUpload({ bucket, key: BUSY, attributes: plain.attributes })
  }
})

const names = (page: ListPage<{ readonly key: string }>): string[] =>
  [...page.items.map(({ key }) => key), ...page.commonPrefixes].sort(byUtf8)

async function pagesOf(prefix: string, delimiter: string, limit: number): Promise<string[]> {
  const all: string[] = []
  let after = ''
  for (;;) {
    const page = await objects.list({ bucket, prefix, delimiter, after, limit })
    const found = names(page)
    expect(found.length).toBeLessThanOrEqual(limit)
    if (page.truncated) expect(found).toHaveLength(limit)
    expect(page.last).toBe(found.at(-1))
    all.push(...found)
    if (!page.truncated || page.last === undefined) return all
    after = page.last
  }
}

async function uploadPagesOf(prefix: string, delimiter: string, limit: number): Promise<string[]> {
  const all: string[] = []
  let keyMarker = ''
  let uploadIdMarker = ''
  for (;;) {
    const page = await objects.listUploads({ bucket, prefix, delimiter, keyMarker, uploadIdMarker, limit })
    all.push(...names(page))
    if (!page.truncated || page.last === undefined) return all
    const last = page.items.at(-1)
    keyMarker = page.last
    uploadIdMarker = last?.key === page.last ? last.uploadId : ''
  }
}

describe.each(DELIMITERS)('with the delimiter "%s"', (delimiter) => {
  it.each(PREFIXES)('pages of any size under "%s" make the whole listing', async (prefix) => {
    const whole = modelListing(KEYS, { prefix, delimiter })
    for (const limit of [1, 2, 7, 1000]) expect(await pagesOf(prefix, delimiter, limit)).toEqual(whole)
  })

  it.each(PREFIXES)('pages of uploads of any size under "%s" give each upload once', async (prefix) => {
    const whole = modelListing(KEYS, { prefix, delimiter })
    const wanted = whole.flatMap((name) => (name === BUSY ? Array.from({ length: 4 }, () => name) : [name]))
    for (const limit of [1, 3, 1000]) expect(await uploadPagesOf(prefix, delimiter, limit)).toEqual(wanted)
  })
})

it('reads of the uploads under a common prefix no more than a few', async () => {
  let rows = 0
  const engine = await testEngine({
    metadata: (inner) => ({
      ...inner,
      range: async (space, range) => {
        const found = await inner.range(space, range)
        rows += found.length
        return found
      },
    }),
  })
  const bucket = await engine.makeBucket()
  const create = (key: string) => engine.objects.createUpload({ bucket, key, attributes: plain.attributes })
  for (let group = 0; group < 20; group++) {
    for (let count = 0; count < 40; count++) await create(`${String(group).padStart(2, '0')}/${count}`)
  }
  for (let count = 0; count < 100; count++) await create(`plain-${count}`)
  const of = { bucket, prefix: '', delimiter: '/', keyMarker: '', uploadIdMarker: '', limit: 1000 }
  rows = 0
  const { items, commonPrefixes, truncated } = await engine.objects.listUploads(of)
  expect({ items: items.length, prefixes: commonPrefixes.length, truncated }).toEqual({
    items: 100,
    prefixes: 20,
    truncated: false,
  })
  expect(rows).toBeLessThan(100 + 20 * 10)
})

describe('a listing', () => {
  it('shows of every object what opening it shows', async () => {
    const { items } = await objects.list({ bucket, prefix: '', delimiter: '', after: '', limit: 1000 })
    expect(items).toHaveLength(KEYS.length)
    for (const item of items) {
      using object = await objects.open({ bucket, key: item.key })
      expect(item).toMatchObject({
        sizeBytes: object.manifest.sizeBytes,
        modifiedAtMs: object.modifiedAtMs,
        summary: { etag: object.manifest.etag },
      })
    }
  })

  it('of no names is empty and not truncated', async () => {
    const page = await objects.list({ bucket, prefix: '', delimiter: '', after: '', limit: 0 })
    expect(page).toEqual({ items: [], commonPrefixes: [], truncated: false, last: undefined })
  })
})
