import { readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import { testMark } from '../../support/log-mark.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const onFailure = (error: Error): void => {
  throw error
}
const ROWS = 20
const key = (row: number): Buffer => Buffer.from([row])

/** Closed, with tables and a log; `CURRENT` names a manifest that LevelDB has removed because naming it was said to have failed. */
async function misnamed() {
  const home = await temporaryDirectory()
  const store = home.join('store')
  const open = () => openLevelStore(store, { mark: testMark, onFailure })
  for (const from of [0, ROWS / 2]) {
    const writer = await open()
    for (let row = from; row < from + ROWS / 2; row++)
      await writer.commit([{ type: 'put', space: 1, key: key(row), value: Buffer.alloc(900, row) }])
    await writer.close()
  }
  const named = (await readdir(store)).find((name) => name.startsWith('MANIFEST-')) ?? ''
  await writeFile(home.join('store', 'CURRENT'), 'MANIFEST-009999\n')
  return {
    ...{ store, open, named, file: (name: string) => home.join('store', name) },
    current: async () => (await readFile(home.join('store', 'CURRENT'), 'latin1')).trim(),
    names: async () => (await readdir(store)).sort(),
    witness: home.join('store.witness'),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

it('A store whose new manifest was named, and removed because naming it was said to have failed, opens with all rows', async () => {
  await using given = await misnamed()
  for (let start = 0; start < 2; start++) {
    const opened = await given.open()
    const rows = await opened.range(1, { gte: Buffer.alloc(0), lt: Buffer.alloc(2, 0xff), limit: 100 })
    expect(rows.map((row) => row.key[0])).toEqual(Array.from({ length: ROWS }, (_, row) => row))
    await opened.close()
  }
})

it.each<[string, (given: Awaited<ReturnType<typeof misnamed>>) => Promise<unknown>]>([
  ['a log is gone', async ({ names, file }) => rm(file((await names()).find((name) => name.endsWith('.log')) ?? ''))],
  ['a table is gone', async ({ names, file }) => rm(file((await names()).find((name) => name.endsWith('.ldb')) ?? ''))],
  [
    'a log is shorter than was acknowledged',
    async ({ names, file }) => truncate(file((await names()).find((name) => name.endsWith('.log')) ?? ''), 0),
  ],
  ['the manifest is a later one', ({ named, file }) => rename(file(named), file('MANIFEST-010000'))],
  ['nobody knows how far the store went', ({ witness }) => rm(witness)],
])('It is refused, and nothing in it is changed, when besides %s', async (_, harm) => {
  await using given = await misnamed()
  await harm(given)
  const before = await given.names()
  await expect(given.open()).rejects.toMatchObject({ code: 'MetadataCorrupt' })
  expect(await given.current()).toBe('MANIFEST-009999')
  // LevelDB's own diary aside.
  const isStored = (name: string): boolean => !name.startsWith('LO')
  expect((await given.names()).filter(isStored)).toEqual(before.filter(isStored))
})
