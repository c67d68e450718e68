import { describe, expect, it } from 'vitest'
import { rowsUnder, SPACE } from '../../../src/objects/keyspace.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { sealedStore } from '../../../src/storage/metadata/sealed-store.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'
import { testCipher } from '../storage/test-cipher.ts'

const everything = { gte: Buffer.alloc(0), lt: rowsUnder(Buffer.from([0xff])).lt, limit: 100 }
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => String(Object(error).code),
  )

/** A key with three versions, of which rows can be damaged. */
async function threeVersions(documents = {}) {
  const stored = memoryStore()
  const engine = await testEngine({ stored, metadata: (inner) => sealedStore(inner, testCipher) })
  const { objects } = engine
  const bucket = await objects.createBucket({ ...engine.newBucket, versioning: 'Enabled', documents })
  const ids: string[] = []
  for (const text of ['one', 'two', 'three']) {
    ids.push((await objects.put({ bucket, key: 'k', body: bodyOf(text), ...plain })).versionId)
  }
  /** Of the rows of the space, newest first. */
  const damage = async (space: number, at: number): Promise<void> => {
    const row = (await stored.range(space, everything))[at]
    if (!row) throw new Error('no such row')
    await stored.commit([{ type: 'put', space, key: row.key, value: Buffer.alloc(80, 1) }])
  }
  const list = async () => {
    const page = { prefix: '', delimiter: '', keyMarker: '', versionIdMarker: '', limit: 10 }
    return (await objects.listVersions({ bucket, ...page })).items
  }
  const remove = (versionId?: string) => objects.delete({ bucket, key: 'k', versionId, conditions: {} })
  return { ...engine, bucket, ids, damage, list, remove }
}

describe('a version whose record is damaged', () => {
  it('is listed in its place, and deleted by the id that it is listed under', async () => {
    const { objects, bucket, ids, damage, list, remove, failures } = await threeVersions()
    await damage(SPACE.version, 0)
    const items = await list()
    expect(items.map(({ sizeBytes }) => sizeBytes)).toEqual([5, 0, 3])
    expect([items[0]?.versionId, items[2]?.versionId]).toEqual([ids[2], ids[0]])
    expect(await codeOf(objects.open({ bucket, key: 'k', versionId: ids[1] }))).toBe('MetadataCorrupt')
    // The one behind it is as it was, and so is the current one.
    expect(await readAll(objects, bucket, 'k')).toBe('three')
    expect(await codeOf(objects.open({ bucket, key: 'k', versionId: ids[0] }))).toBe('done')
    // While it is the next, it would have to become the current one.
    expect(await codeOf(remove(ids[2]))).toBe('MetadataCorrupt')
    await remove(items[1]?.versionId)
    expect((await list()).map(({ versionId }) => versionId)).toEqual([ids[2], ids[0]])
    await remove(ids[2])
    expect(await readAll(objects, bucket, 'k')).toBe('one')
    expect(failures).toHaveLength(1)
    await objects.close()
    expect((await objects.recount()).differences).toEqual([])
  })

  it('and is the current one is not hidden by a delete marker, and goes as the null version', async () => {
    const { objects, bucket, ids, damage, list, remove } = await threeVersions()
    await damage(SPACE.head, 0)
    expect(await codeOf(remove())).toBe('MetadataCorrupt')
    expect((await list())[0]).toMatchObject({ versionId: 'null', isLatest: true, sizeBytes: 0 })
    expect(await codeOf(objects.put({ bucket, key: 'k', body: bodyOf('x'), ...plain }))).toBe('MetadataCorrupt')
    await remove('null')
    expect(await readAll(objects, bucket, 'k')).toBe('two')
    expect((await list()).map(({ versionId }) => versionId)).toEqual([ids[1], ids[0]])
  })

  it('stays where it might be retained', async () => {
    const { damage, list, remove } = await threeVersions({ objectLock: {} })
    await damage(SPACE.version, 1)
    expect(await codeOf(remove((await list())[2]?.versionId))).toBe('ObjectLocked')
  })
})
