import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { type LevelStore, openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import { testMark } from '../../support/log-mark.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const ROWS = 600
const keyOf = (row: number): Buffer => Buffer.from(row.toString().padStart(6, '0'))

/** In several tables, of which LevelDB has opened none. */
async function filledStore() {
  const home = await temporaryDirectory()
  const directory = home.join('store')
  const open = () => openLevelStore(directory, { mark: testMark, onFailure: () => {} })
  const filled = await open()
  const rows = Array.from({ length: ROWS }, (_, row) => row)
  await Promise.all(
    rows.map((row) => filled.commit([{ type: 'put', space: 1, key: keyOf(row), value: randomBytes(60_000) }])),
  )
  await filled.compact?.(1, { gte: Buffer.alloc(0), lt: Buffer.alloc(8, 0xff) })
  await filled.close()
  const store = await open()
  const tables = (await readdir(directory)).filter((name) => name.endsWith('.ldb')).sort()
  expect(tables.length).toBeGreaterThan(5)
  return {
    ...{ store, tables },
    /** The system opens it no more. */
    hide: async (table: string) => {
      await rename(path.join(directory, table), home.join(table))
      await mkdir(path.join(directory, table))
    },
    show: async (table: string) => {
      await rename(path.join(directory, table), home.join(`${table}.directory`))
      await rename(home.join(table), path.join(directory, table))
    },
    [Symbol.asyncDispose]: async () => {
      await store.close()
      await home[Symbol.asyncDispose]()
    },
  }
}

const all = { gte: keyOf(0), lt: Buffer.from('9') }
const unreadable = { code: 'MetadataStoreFailed' }

it('does not call a table damaged that the system does not open for now, and reads it when it does', async () => {
  await using given = await filledStore()
  const { store, tables } = given
  for (const table of tables) await given.hide(table)
  const reads = [
    () => store.get(1, keyOf(1)),
    () => store.getMany(1, [keyOf(2)]),
    () =>
      store.getMany(
        1,
        Array.from({ length: 30 }, (_, row) => keyOf(row)),
      ),
    () => store.range(1, { gte: keyOf(0), lt: keyOf(9), limit: 3 }),
  ]
  for (const read of reads) await expect(read()).rejects.toMatchObject(unreadable)
  for (const table of tables) await given.show(table)
  expect((await store.get(1, keyOf(1)))?.value).toHaveLength(60_000)
})

// LevelDB passes over what it could not read, and tells of it when it is asked.
it.each<[string, (store: LevelStore, limit: number) => Promise<readonly { readonly key: Buffer }[]>]>([
  ['a page', (store, limit) => store.range(1, { ...all, limit })],
  ['a page from the end', (store, limit) => store.range(1, { ...all, limit, reverse: true })],
  [
    'a page of a snapshot',
    async (store, limit) => {
      await using snapshot = await store.snapshot()
      return await snapshot.range(1, { ...all, limit })
    },
  ],
  [
    'a page of groups',
    async (store, limit) => {
      const range = { prefix: Buffer.alloc(0), from: all.gte, lt: all.lt, delimiter: Buffer.from('/'), limit }
      return (await store.groups(1, range)).map((group) => ({
        key: 'prefix' in group ? group.prefix : group.entry.key,
      }))
    },
  ],
])('does not leave rows out of %s because their table cannot be opened', async (_, read) => {
  await using given = await filledStore()
  const [first = '', second = ''] = given.tables.slice(given.tables.length >> 1)
  await given.hide(first)
  await given.hide(second)
  // Whether it goes over those tables or not: what it says is so.
  for (const limit of [1, 40, 200, 400, 500, ROWS - 1, ROWS]) {
    const rows = await read(given.store, limit).catch((error: unknown) => {
      expect(error).toMatchObject(unreadable)
      return undefined
    })
    if (rows === undefined) continue
    const numbers = rows.map(({ key }) => Number(key.toString()))
    const least = Math.min(...numbers)
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: limit }, (_, row) => least + row))
  }
  await expect(read(given.store, ROWS - 1)).rejects.toMatchObject(unreadable)
  for (const table of [first, second]) await given.show(table)
  expect(await read(given.store, ROWS)).toHaveLength(ROWS)
})
