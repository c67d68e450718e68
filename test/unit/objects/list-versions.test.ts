import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../../src/objects/buckets.ts'
import type { ListVersionsQuery, VersionsPage } from '../../../src/objects/list-versions.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore, Range } from '../../../src/storage/metadata/metadata-store.ts'
import { diceFrom } from '../../support/content.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'
import { byUtf8, DELIMITERS, modelKeys } from '../../support/listing-model.ts'

const put = (objects: Objects, bucket: Bucket, key: string, text = 'x') =>
  objects.put({ bucket, key, body: bodyOf(text), ...plain })
const remove = (objects: Objects, bucket: Bucket, key: string, versionId?: string) =>
  objects.delete({ bucket, key, versionId, conditions: {} })

async function versioned(options: Parameters<typeof testEngine>[0] = {}) {
  const engine = await testEngine(options)
  await engine.makeBucket()
  const bucket = await engine.objects.setVersioning(engine.objects.buckets.get('bucket'), 'Enabled')
  return { ...engine, bucket }
}

const nameOf = ({ key, versionId, isLatest, deleteMarker }: VersionsPage['items'][number]): string =>
  [key, versionId, isLatest ? 'latest' : '', deleteMarker ? 'marker' : ''].join(' ')

/** All pages, one after the other. */
async function walk(
  objects: Objects,
  query: Pick<ListVersionsQuery, 'bucket' | 'prefix' | 'delimiter' | 'limit'>,
): Promise<{ readonly versions: string[]; readonly prefixes: string[] }> {
  const versions: string[] = []
  const prefixes: string[] = []
  for (let marker = { keyMarker: '', versionIdMarker: '' }; ; ) {
    const page = await objects.listVersions({ ...query, ...marker })
    expect(page.items.length + page.commonPrefixes.length).toBeLessThanOrEqual(query.limit)
    versions.push(...page.items.map(nameOf))
    prefixes.push(...page.commonPrefixes)
    if (!page.truncated) return { versions, prefixes }
    marker = { keyMarker: page.last ?? '', versionIdMarker: page.lastVersionId ?? '' }
  }
}

describe('a listing of versions', () => {
  it('is made of pages of any size, whatever the prefix and the delimiter', { timeout: 60_000 }, async () => {
    const { objects, bucket, time } = await versioned()
    const dice = diceFrom('versions')
    const expected = new Map<string, { id: string; marker: boolean }[]>()
    for (const key of modelKeys(60)) {
      for (let count = 1 + dice.below(4); count > 0; count--) {
        time.nowMs += dice.below(3)
        const marker = dice.below(4) === 0
        const { versionId } = marker ? await remove(objects, bucket, key) : await put(objects, bucket, key)
        expected.set(key, [{ id: versionId ?? '', marker }, ...(expected.get(key) ?? [])])
      }
    }
    const keys = [...expected.keys()].sort(byUtf8)
    for (const delimiter of DELIMITERS) {
      for (const prefix of ['', 'a', keys[20] ?? '', '\u{1f600}']) {
        const groups = new Set<string>()
        const versions = keys.flatMap((key) => {
          if (!key.startsWith(prefix)) return []
          const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
          if (at >= 0) groups.add(key.slice(0, at + delimiter.length))
          if (at >= 0) return []
          return (expected.get(key) ?? []).map(({ id: versionId, marker: deleteMarker }, index) =>
            nameOf({ key, versionId, isLatest: index === 0, deleteMarker, sizeBytes: 0, modifiedAtMs: 0 }),
          )
        })
        for (const limit of [1, 2, 7, 1000]) {
          expect(await walk(objects, { bucket, prefix, delimiter, limit })).toEqual({
            versions,
            prefixes: [...groups].sort(byUtf8),
          })
        }
      }
    }
  })

  it('of a bucket that never had versions has the null version of each key', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket, 'b')
    await put(objects, bucket, 'a')
    expect((await walk(objects, { bucket, prefix: '', delimiter: '', limit: 1 })).versions).toEqual([
      'a null latest ',
      'b null latest ',
    ])
  })

  it('goes on where it was though the version it ended with is gone', async () => {
    const { objects, bucket } = await versioned()
    const ids: string[] = []
    for (let count = 0; count < 5; count++) ids.unshift((await put(objects, bucket, 'k', `${count}`)).versionId)
    const query = { bucket, prefix: '', delimiter: '', limit: 2 }
    const behind = async (versionIdMarker: string) =>
      (await objects.listVersions({ ...query, keyMarker: 'k', versionIdMarker })).items
    const [first = '', second = '', third = '', fourth = '', fifth = ''] = ids
    await remove(objects, bucket, 'k', second)
    expect((await behind(second)).map(({ versionId }) => versionId)).toEqual([third, fourth])
    expect((await behind(second)).map(({ isLatest }) => isLatest)).toEqual([false, false])
    await remove(objects, bucket, 'k', first)
    // What was behind it is the current version by now.
    expect(await behind(first)).toMatchObject([{ versionId: third, isLatest: true }, { versionId: fourth }])
    expect(await behind(third)).toMatchObject([{ versionId: fourth, isLatest: false }, { versionId: fifth }])
    expect(await behind(fifth)).toEqual([])
  })

  it('tells the ETag while the root key may be used, and names, sizes and dates without it', async () => {
    const { objects, bucket, kms, newBucket } = await versioned()
    await put(objects, bucket, 'k', 'one')
    await put(objects, bucket, 'k', 'four')
    const list = async () =>
      (await objects.listVersions({ bucket, prefix: '', delimiter: '', keyMarker: '', versionIdMarker: '', limit: 9 }))
        .items
    expect((await list()).map(({ summary }) => summary?.etag.length)).toEqual([32, 32])
    await kms.disable(newBucket.rootKeyCrn)
    expect(await list()).toMatchObject([{ sizeBytes: 4 }, { sizeBytes: 3 }])
    expect((await list()).map(({ summary }) => summary)).toEqual([undefined, undefined])
  })

  it('reads about as many rows as the page has, however many there are', async () => {
    let rows = 0
    const counting = (inner: MetadataStore): MetadataStore => ({
      ...inner,
      snapshot: async () => {
        const snapshot = await inner.snapshot()
        const range = async (space: number, page: Range) => {
          const found = await snapshot.range(space, page)
          rows += found.length
          return found
        }
        return { ...snapshot, range }
      },
    })
    const { objects, bucket } = await versioned({ stored: memoryStore(), metadata: counting })
    for (let count = 0; count < 40; count++) {
      for (const key of [`a/${count}`, `b/${count % 3}/x`, 'c']) await put(objects, bucket, key)
    }
    rows = 0
    const query = { bucket, prefix: '', keyMarker: '', versionIdMarker: '', limit: 3 }
    await objects.listVersions({ ...query, delimiter: '' })
    expect(rows).toBeLessThan(10)
    rows = 0
    expect(await objects.listVersions({ ...query, delimiter: '/' })).toMatchObject({ commonPrefixes: ['a/', 'b/'] })
    expect(rows).toBeLessThan(40)
  })
})
