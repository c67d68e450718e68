import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import { flipped } from '../../support/level-rows.ts'
import { testMark } from '../../support/log-mark.ts'

const ROWS = 60
const onFailure = (error: Error): void => {
  throw error
}
/** Some share a block of the log, some take several. */
const contentOf = (row: number): Buffer => Buffer.alloc(row % 20 === 7 ? 50_000 : 900, row)
const keyOf = (row: number): Buffer => Buffer.from([row])

let home: string
/** A store as a power cut leaves it; every row was acknowledged. */
let cut: string
let store: string
let log: string
let whole: Buffer
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'coffer-damage-'))
  cut = join(home, 'cut')
  const live = join(home, 'live')
  const writer = await openLevelStore(live, { mark: testMark, onFailure })
  for (let row = 0; row < ROWS; row++) {
    await writer.commit([{ type: 'put', space: 1, key: keyOf(row), value: contentOf(row) }])
  }
  await cp(live, cut, { recursive: true })
  await writer.close()
  log = (await readdir(cut)).find((name) => name.endsWith('.log')) ?? ''
  whole = await readFile(join(cut, log))
})
afterAll(() => rm(home, { recursive: true, force: true }))
beforeEach(async () => {
  store = await mkdtemp(join(home, 'store-'))
  await cp(cut, store, { recursive: true })
})

async function rowsOf(options: { readonly onLoss?: (loss: Error) => void } = {}): Promise<number[]> {
  const opened = await openLevelStore(store, { mark: testMark, onFailure, ...options })
  const rows = await opened.range(1, { gte: Buffer.alloc(0), lt: Buffer.alloc(2, 0xff), limit: 1000 })
  await opened.close()
  return rows.map(({ key }) => key[0] ?? -1)
}

const damaged = async (damage: (bytes: Buffer) => Buffer | undefined): Promise<void> => {
  const copy = Buffer.from(whole)
  await writeFile(join(store, log), damage(copy) ?? copy)
}

async function state(): Promise<unknown[]> {
  const names = (await readdir(store)).sort()
  return Promise.all(names.map(async (name) => [name, (await stat(join(store, name))).size]))
}

const firstRows = (count: number): number[] => Array.from({ length: count }, (_, row) => row)

/** Refused twice, because the first refusal must not have hidden anything. */
async function expectUntouchedRefusal(message: RegExp): Promise<void> {
  const before = await state()
  for (let start = 0; start < 2; start++) {
    await expect(openLevelStore(store, { mark: testMark, onFailure })).rejects.toMatchObject({
      code: 'MetadataCorrupt',
      message: expect.stringMatching(message),
    })
  }
  expect(await state()).toEqual(before)
}

describe('a store that has lost its CURRENT', () => {
  it('is not made anew, and is whole when the file is back', async () => {
    const current = await readFile(join(store, 'CURRENT'))
    await rm(join(store, 'CURRENT'))
    await expectUntouchedRefusal(/CURRENT: restore .*backup/)
    await writeFile(join(store, 'CURRENT'), current)
    expect(await rowsOf()).toEqual(firstRows(ROWS))
  })

  it('is refused, too, when its rows are in tables', async () => {
    await rowsOf()
    expect((await readdir(store)).some((name) => name.endsWith('.ldb'))).toBe(true)
    await rm(join(store, 'CURRENT'))
    await expectUntouchedRefusal(/CURRENT/)
  })
})

it('a store whose making was cut short is made', async () => {
  await rm(store, { recursive: true })
  await mkdir(store)
  await writeFile(join(store, 'MANIFEST-000001'), 'cut')
  await writeFile(join(store, 'LOCK'), '')
  expect(await rowsOf()).toEqual([])
})

it('a manifest is refused in whose middle an edit says that it is longer than the file, for which LevelDB would pass over the rest', async () => {
  const writer = await openLevelStore(store, { mark: testMark, onFailure })
  for (let row = 0; row < ROWS; row++) {
    await writer.commit([{ type: 'put', space: 1, key: keyOf(row), value: contentOf(row) }])
    if (row % 20 === 0) await writer.compact?.(1, { gte: Buffer.alloc(0), lt: Buffer.alloc(2, 0xff) })
  }
  await writer.close()
  const manifest = join(store, (await readFile(join(store, 'CURRENT'), 'utf8')).trim())
  const bytes = await readFile(manifest)
  const second = 7 + bytes.readUInt16LE(4)
  const damaged = Buffer.from(bytes)
  damaged.writeUInt16LE(0x7000, second + 4)
  await writeFile(manifest, damaged)
  await expectUntouchedRefusal(new RegExp(`manifest that is damaged at byte ${second}: restore .*backup`))
  await writeFile(manifest, bytes)
  expect(await rowsOf()).toEqual(firstRows(ROWS))
})

describe('a log', () => {
  it.each([0.1, 0.3, 0.5, 0.8])('with a bit flipped at %d of it is refused and left as it is', async (at) => {
    await damaged((bytes) => flipped(bytes, Math.floor(bytes.length * at)))
    await expectUntouchedRefusal(new RegExp(`damaged at byte \\d+ of ${log}.*backup`))
  })

  it('with a length changed is refused, although nothing in its block can be found by it any more', async () => {
    await damaged((bytes) => void bytes.writeUInt16LE(bytes.readUInt16LE(4) + 3, 4))
    await expectUntouchedRefusal(/damaged at byte 0 /)
  })

  it('that is missing is an error', async () => {
    await rm(join(store, log))
    await expectUntouchedRefusal(/lost a log.*backup/)
  })

  it('that lost a page in the middle to zeros is refused', async () => {
    await damaged((bytes) => bytes.fill(0, 8192, 12_288))
    await expectUntouchedRefusal(/damaged/)
  })

  it('that is damaged opens for who accepts the loss, and says so', async () => {
    await damaged((bytes) => flipped(bytes, 1000))
    const losses: Error[] = []
    const rows = await rowsOf({ onLoss: (loss) => losses.push(loss) })
    expect(losses).toMatchObject([{ code: 'MetadataCorrupt' }])
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.length).toBeLessThan(ROWS)
  })

  it('that is whole is nothing to accept', async () => {
    const losses: Error[] = []
    expect(await rowsOf({ onLoss: (loss) => losses.push(loss) })).toEqual(firstRows(ROWS))
    expect(losses).toEqual([])
  })
})

describe('the end of a log after a power cut', () => {
  const LAST_BYTES = 900 + 30

  it.each([1, 3, 6, 7, 500, LAST_BYTES, 5000, 40_000, 90_001])('opens with %d bytes cut off', async (bytes) => {
    await damaged((all) => all.subarray(0, all.length - bytes))
    const rows = await rowsOf()
    expect(rows).toEqual(firstRows(rows.length))
    if (bytes <= LAST_BYTES) expect(rows.length).toBe(ROWS - 1)
  })

  it.each([
    ['zeros', () => 0],
    ['old bytes', (at: number) => (at * 197) & 0xff],
  ])('opens with %s where the last batch would be', async (_, byte) => {
    const junk = (length: number) => Buffer.from(Array.from({ length }, (__, at) => byte(at)))
    await damaged((bytes) => void junk(500).copy(bytes, bytes.length - 500))
    expect(await rowsOf()).toEqual(firstRows(ROWS - 1))
    for (const length of [5, 5000, 100_000]) {
      await rm(store, { recursive: true })
      await cp(cut, store, { recursive: true })
      await damaged((bytes) => Buffer.concat([bytes, junk(length)]))
      expect(await rowsOf()).toEqual(firstRows(ROWS))
    }
  })

  it('opens when pages in the middle of the last batch are missing', async () => {
    const live = join(home, 'long')
    const writer = await openLevelStore(live, { mark: testMark, onFailure })
    await writer.commit([{ type: 'put', space: 1, key: keyOf(0), value: contentOf(0) }])
    const puts = [1, 2, 3].map(
      (row) => ({ type: 'put', space: 1, key: keyOf(row), value: Buffer.alloc(60_000, row) }) as const,
    )
    await writer.commit(puts)
    await rm(store, { recursive: true })
    await cp(live, store, { recursive: true })
    await writer.close()
    const name = (await readdir(store)).find((each) => each.endsWith('.log')) ?? ''
    const bytes = await readFile(join(store, name))
    // The block after it holds a valid part of the same batch.
    await writeFile(join(store, name), bytes.fill(0, 40_960, 45_056))
    expect(await rowsOf()).toEqual([0])
  })
})
