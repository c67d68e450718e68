import { readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fillLevelStore, openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import { logParts } from '../../../src/storage/metadata/log-parts.ts'
import { nameOfRow, type SalvagedLevel, salvageLevel } from '../../../src/storage/metadata/salvage-level.ts'
import type { StoredPair } from '../../../src/storage/metadata/stored-rows.ts'
import { contentBytes } from '../../support/content.ts'
import { flipped } from '../../support/level-rows.ts'
import { testMark as mark } from '../../support/log-mark.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'

const ROWS = 400
const keyOf = (index: number): Buffer => Buffer.from(`\x02key ${String(index).padStart(5, '0')}`)

/** Rows as a sealed store has them: what is not exactly this does not authenticate. */
const rows = new Map(
  Array.from({ length: ROWS }, (_, index) => {
    const key = keyOf(index)
    return [nameOfRow(key), [key, Buffer.concat([Buffer.alloc(6, 1), contentBytes(`${index}`, 200)])] as const]
  }),
)
const isAuthentic = (key: Buffer, stored: Buffer): boolean => rows.get(nameOfRow(key))?.[1].equals(stored) === true

async function storeOf(home: TemporaryDirectory): Promise<{ readonly store: string; readonly table: string }> {
  const store = home.join('store')
  await rm(store, { recursive: true, force: true })
  await fillLevelStore(store, [[...rows.values()].map(([key, value]): StoredPair => [key, value])])
  const tables = (await readdir(store)).filter((name) => name.endsWith('.ldb'))
  expect(tables).toHaveLength(1)
  return { store, table: join(store, tables[0] ?? '') }
}

const salvaged = (store: string) => salvageLevel(store, { mark, isAuthentic, reached: 7 })
const rowsIn = ({ pairs }: SalvagedLevel) => pairs.filter(([key]) => key[0] === 2)

/** All that is there is right, and all that is not is in a range that is said to be lost. */
function checkHonest(result: SalvagedLevel): number {
  const there = new Set(rowsIn(result).map(([key]) => nameOfRow(key)))
  for (const [key, value] of rowsIn(result)) expect(rows.get(nameOfRow(key))?.[1].equals(value)).toBe(true)
  const isLost = (key: Buffer) =>
    result.lost.some(({ after, last }) => (!after || key.compare(after) > 0) && (!last || key.compare(last) <= 0))
  for (const [name, [key]] of rows) if (!there.has(name)) expect(isLost(key)).toBe(true)
  return there.size
}

describe('a table that is damaged', () => {
  it('gives back all rows where nothing is wrong', async () => {
    await using home = await temporaryDirectory()
    const { store } = await storeOf(home)
    const result = await salvaged(store)
    expect([checkHonest(result), result.lost, result.doubtful.size, result.rescued]).toEqual([ROWS, [], 0, 0])
    expect(result.sequence).toBe(Buffer.alloc(6, 1).readUIntBE(0, 6))
  })

  it('gives back all but a row or two wherever one byte is wrong, and says where they were', async () => {
    await using home = await temporaryDirectory()
    const { store, table } = await storeOf(home)
    const bytes = await readFile(table)
    const property = fc.asyncProperty(
      fc.nat({ max: bytes.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, by) => {
        const copy = Buffer.from(bytes)
        copy[at] = (copy[at] ?? 0) ^ by
        await writeFile(table, copy)
        // An entry whose lengths are wrong takes those before the next whole key with it: sixteen at most.
        expect(checkHonest(await salvaged(store))).toBeGreaterThanOrEqual(ROWS - 16)
      },
    )
    await fc.assert(property, { numRuns: 300 })
  })

  it('gives back what is before its end when it is cut, and nothing when it is gone', async () => {
    await using home = await temporaryDirectory()
    const { store, table } = await storeOf(home)
    const bytes = await readFile(table)
    let last = ROWS
    for (const part of [0.95, 0.5, 0.1, 0]) {
      await writeFile(table, bytes.subarray(0, Math.floor(bytes.length * part)))
      const count = checkHonest(await salvaged(store))
      expect(count).toBeLessThan(last)
      if (part >= 0.5) expect(count).toBeGreaterThan(ROWS * part * 0.8)
      last = count
    }
    await unlink(table)
    expect(checkHonest(await salvaged(store))).toBe(0)
  })

  it('is read without a manifest, too', async () => {
    await using home = await temporaryDirectory()
    const { store } = await storeOf(home)
    await unlink(join(store, 'CURRENT'))
    expect(rowsIn(await salvaged(store))).toHaveLength(ROWS)
  })

  it('is read whatever became of the manifest that names it', async () => {
    await using home = await temporaryDirectory()
    const directory = home.join('store')
    const names = ['one', 'two', 'three']
    const store = await openLevelStore(directory, { mark, onFailure: () => {} })
    for (const name of names) {
      const key = Buffer.from(name)
      await store.commit([{ type: 'put', space: 2, key, value: key }])
      // Into a table, which takes the place of the one before.
      await store.compact?.(2, { gte: Buffer.alloc(0), lt: Buffer.from('z') })
    }
    await store.close()
    const manifest = join(directory, (await readdir(directory)).find((name) => name.startsWith('MANIFEST')) ?? '')
    const bytes = await readFile(manifest)
    const harmed = [
      ...Array.from(bytes, (_, at) => flipped(bytes, at)),
      ...[...logParts(bytes)].map(({ offset }) => bytes.subarray(0, offset)),
    ]
    for (const harm of harmed) {
      await writeFile(manifest, harm)
      expect(rowsIn(await salvaged(directory)).map(([key]) => key.toString('latin1', 1))).toEqual(names.toSorted())
    }
  })

  // A table ends with what the store says of itself: what is before its first row is not touched by its loss.
  it('makes older states of the rows doubtful that it may have had, and no others', async () => {
    await using home = await temporaryDirectory()
    const directory = home.join('store')
    const space = 2
    const [one, two, far] = ['one', 'two', 'aaa'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer]
    const write = async (value: string, ...keys: readonly Buffer[]) => {
      const store = await openLevelStore(directory, { mark, onFailure: () => {} })
      await store.commit(keys.map((key) => ({ type: 'put', space, key, value: Buffer.from(value) })))
      await store.close()
    }
    // Each opening makes a table of the log before it.
    await write('old', one, two, far)
    await write('new', one, two)
    await write('newest', Buffer.from('other'))
    const tables = (await readdir(directory)).filter((name) => name.endsWith('.ldb')).sort()
    const newer = join(directory, tables.at(-1) ?? '')
    expect(tables.length).toBeGreaterThan(1)
    await unlink(newer)
    const result = await salvageLevel(directory, { mark, isAuthentic: () => true, reached: 0 })
    const found = new Map(
      rowsIn(result).map(([key, value]) => [key.toString('latin1', 1), value.toString('latin1', 6)]),
    )
    expect(found).toEqual(
      new Map([
        ['one', 'old'],
        ['two', 'old'],
        ['aaa', 'old'],
        ['other', 'newest'],
      ]),
    )
    const doubtful = [...result.doubtful].filter((name) => name.startsWith('\x02')).map((name) => name.slice(1))
    expect(doubtful.sort()).toEqual(['one', 'two'])
  })
})

describe('a log that is damaged', () => {
  it('gives back the batches before the damage and behind it', async () => {
    await using home = await temporaryDirectory()
    const directory = home.join('store')
    const store = await openLevelStore(directory, { mark, onFailure: () => {} })
    for (let at = 0; at < 50; at++) {
      await store.commit([{ type: 'put', space: 2, key: keyOf(at).subarray(1), value: contentBytes(`${at}`, 100) }])
    }
    await store.close()
    const [log = ''] = (await readdir(directory)).filter((name) => name.endsWith('.log'))
    const path = join(directory, log)
    await writeFile(path, flipped(await readFile(path), 3000))
    const result = await salvaged(directory)
    expect(rowsIn(result)).toHaveLength(49)
    expect(result.lost).toMatchObject([{ file: log }])
    expect(result.doubtful.size).toBe(0)
  })
})
