import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type LevelStore, openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import type { TableFault } from '../../../src/storage/metadata/level-tables.ts'
import { testMark } from '../../support/log-mark.ts'

const SPACE = 1
const ROWS = 300
const ALL = { gte: Buffer.alloc(0), lt: Buffer.alloc(2, 0xff), limit: 1000 }
const keyOf = (row: number): Buffer => Buffer.from(`name of row ${String(row).padStart(4, '0')}`)
const onFailure = (error: Error): void => {
  throw error
}

let directory: string
let store: LevelStore
beforeEach(async () => {
  const home = await mkdtemp(join(tmpdir(), 'coffer-open-tables-'))
  // The witness lies beside it.
  directory = join(home, 'store')
  store = await openLevelStore(directory, { mark: testMark, onFailure })
  onTestFinished(async () => {
    await store.close()
    await rm(home, { recursive: true })
  })
  await write()
  await merge()
})

async function write(first = 0): Promise<void> {
  for (let row = first; row < ROWS; row++) {
    await store.commit([{ type: 'put', space: SPACE, key: keyOf(row), value: Buffer.alloc(300, row) }])
  }
}

/** LevelDB does so by itself, too, at any time. */
const merge = async (): Promise<void> => store.compact?.(SPACE, ALL)

const tables = async (): Promise<readonly string[]> =>
  (await readdir(directory)).filter((name) => name.endsWith('.ldb')).sort()

async function faults(pace: (bytes: number) => Promise<void> = async () => {}): Promise<readonly TableFault[]> {
  return Array.fromAsync(store.tableFaults(pace))
}

/** In the file that LevelDB has open: what it reads next is what a disk would give that rots. */
async function rot(name: string, at: number): Promise<void> {
  const file = await open(join(directory, name), 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  await file.write(Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, at)
  await file.close()
}

/** The table with the row, and the last byte of its key in there. */
async function placeOfKey(row: number): Promise<{ readonly name: string; readonly at: number }> {
  for (const name of await tables()) {
    const at = (await readFile(join(directory, name))).indexOf(keyOf(row))
    if (at >= 0) return { name, at: at + keyOf(row).length - 1 }
  }
  throw new Error('no table has it whole')
}

it('A manifest that is gone, or cannot be made out, is told of before the next start needs it', async () => {
  const name = (await readFile(join(directory, 'CURRENT'), 'utf8')).trim()
  const bytes = await readFile(join(directory, name))
  const lost = [{ file: 'MANIFEST', damage: 'has lost its manifest, or it cannot be read' }]
  const longer = Buffer.from(bytes)
  longer[5] = (longer[5] ?? 0) ^ 0x40
  await writeFile(join(directory, name), longer)
  expect(await faults()).toEqual([{ file: 'MANIFEST', offset: 0, damage: 'has a manifest that is damaged at byte 0' }])
  await writeFile(join(directory, name), longer.subarray(0, 20))
  expect(await faults()).toEqual(lost)
  await rm(join(directory, name))
  expect(await faults()).toEqual(lost)
  await writeFile(join(directory, name), bytes)
  expect(await faults()).toEqual([])
})

describe('tables of a store that is open', () => {
  it('that are whole have no faults, and every byte of them is read at the given pace', async () => {
    let bytes = 0
    expect(
      await faults(async (more) => {
        bytes += more
      }),
    ).toEqual([])
    const names = await tables()
    const lengths = await Promise.all(names.map(async (name) => (await readFile(join(directory, name))).length))
    expect(names.length).toBeGreaterThan(0)
    expect(bytes).toBe(lengths.reduce((sum, length) => sum + length, 0))
  })

  it('are found when a byte of a key has rotted, which LevelDB merges into others as if it were whole', async () => {
    const { name, at } = await placeOfKey(0)
    await rot(name, at)
    const found = await faults()
    expect(found).toMatchObject([{ file: name, damage: expect.stringMatching(`^is damaged at byte \\d+ of ${name}$`) }])
    expect(found[0]?.offset).toBeLessThanOrEqual(at)
    expect(await faults()).toEqual(found)
    await write(1)
    await merge()
    expect(await tables()).not.toContain(name)
    // Too late: the row is gone, and no table says so.
    expect(await store.range(SPACE, ALL)).toHaveLength(ROWS - 1)
    expect(await faults()).toEqual([])
  })

  it('that a merge removes meanwhile are passed over', async () => {
    let merged = false
    const found = await faults(async () => {
      if (merged) return
      merged = true
      await write()
      await merge()
    })
    expect(merged).toBe(true)
    expect(found).toEqual([])
  })

  it('are found although a merge removes them before they are told of', async () => {
    const { name, at } = await placeOfKey(0)
    await rot(name, at)
    const found: TableFault[] = []
    for await (const fault of store.tableFaults(async () => {})) {
      await write()
      await merge()
      found.push(fault)
    }
    expect(found).toMatchObject([{ file: name }])
    expect(await tables()).not.toContain(name)
  })

  it('that are gone although they are in use are lost', async () => {
    const [name = ''] = await tables()
    await rm(join(directory, name))
    expect(await faults()).toMatchObject([{ file: name, damage: expect.stringMatching(/^has lost the table \d+$/) }])
  })

  it('are all named that are damaged, and the manifest, too, which names them', async () => {
    const manifest = (await readdir(directory)).find((name) => name.startsWith('MANIFEST-')) ?? ''
    await rot(manifest, 10)
    expect((await faults())[0]).toMatchObject({ file: 'MANIFEST', offset: 0 })
  })
})
