import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { logMark } from '../../../src/envelope/log-mark.ts'
import { type LevelStoreOptions, openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { witnessFile } from '../../../src/storage/metadata/witness-file.ts'
import { flipped } from '../../support/level-rows.ts'
import { testMark } from '../../support/log-mark.ts'

const ROWS = 60
const options: LevelStoreOptions = {
  mark: testMark,
  onFailure: (error) => {
    throw error
  },
}
const commitRow = (store: MetadataStore, row: number, bytes = 900) =>
  store.commit([{ type: 'put', space: 1, key: Buffer.of(row >> 8, row & 0xff), value: Buffer.alloc(bytes, row) }])
const commitRows = async (store: MetadataStore, rows: number, bytes?: number): Promise<void> => {
  for (let row = 0; row < rows; row++) await commitRow(store, row, bytes)
}

let home: string
let store: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'coffer-witness-'))
  store = join(home, 'store')
})
afterEach(() => rm(home, { recursive: true, force: true }))

async function made(work: (store: MetadataStore) => Promise<unknown>): Promise<void> {
  const opened = await openLevelStore(store, options)
  await work(opened)
  await opened.close()
}

async function rowsOf(more: Partial<LevelStoreOptions> = {}): Promise<number> {
  const opened = await openLevelStore(store, { ...options, ...more })
  const rows = await opened.range(1, { gte: Buffer.alloc(0), lt: Buffer.alloc(3, 0xff), limit: 10_000 })
  await opened.close()
  return rows.length
}

/** What the witness says; undefined when there is none. */
async function witnessed(of = store): Promise<number | undefined> {
  const text = await readFile(witnessFile(of), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text).sequence
}

async function logOf(directory: string): Promise<string> {
  const logs = (await readdir(directory)).filter((name) => name.endsWith('.log'))
  expect(logs).toHaveLength(1)
  return join(directory, logs[0] ?? '')
}

async function changeLog(change: (bytes: Buffer) => Buffer): Promise<void> {
  const log = await logOf(store)
  await writeFile(log, change(await readFile(log)))
}

const state = async (): Promise<unknown[]> =>
  Promise.all(
    (await readdir(home, { recursive: true }))
      .sort()
      .map(async (name) => [
        name,
        (await stat(join(home, name))).isFile() && (await readFile(join(home, name), 'hex')),
      ]),
  )

/** Refused twice, because the first refusal must not have hidden anything, and nothing is changed by it. */
async function expectUntouchedRefusal(message: RegExp): Promise<void> {
  const before = await state()
  for (let start = 0; start < 2; start++) {
    await expect(openLevelStore(store, options)).rejects.toMatchObject({
      code: 'MetadataCorrupt',
      message: expect.stringMatching(message),
    })
  }
  expect(await state()).toEqual(before)
}

/** For who accepts it, and after that without a word. */
async function expectAcceptable(rows: number): Promise<void> {
  const losses: Error[] = []
  const before = (await witnessed()) ?? 0
  const opened = await openLevelStore(store, { ...options, onLoss: (loss) => losses.push(loss) })
  expect(losses).toMatchObject([{ code: 'MetadataCorrupt', details: { lossIn: expect.any(String) } }])
  await commitRow(opened, 5000)
  // No token that was given out comes again.
  expect(Number((await opened.get(1, Buffer.of(5000 >> 8, 5000 & 0xff)))?.token)).toBeGreaterThan(before)
  await opened.close()
  expect(await rowsOf()).toBe(rows + 1)
}

const BATCH_BYTES = 900 + 60

describe('a store that was closed', () => {
  beforeEach(() => made((opened) => commitRows(opened, ROWS)))

  it('has a witness of its last write, which only its user may read', async () => {
    expect(await witnessed()).toBe(ROWS)
    expect((await stat(witnessFile(store))).mode & 0o777).toBe(0o600)
    expect(await rowsOf()).toBe(ROWS)
    expect(await rowsOf()).toBe(ROWS)
    expect((await readdir(home)).sort()).toEqual(['store', 'store.witness'])
  })

  it.each([
    ['one byte', (bytes: Buffer) => bytes.subarray(0, -1), ROWS - 1],
    ['a batch', (bytes: Buffer) => bytes.subarray(0, -BATCH_BYTES), ROWS - 2],
    ['most of it', (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.length * 0.3)), 17],
  ])('is refused when its log is cut short by %s', async (_, cut, rows) => {
    await changeLog(cut)
    await expectUntouchedRefusal(new RegExp(`lost its end .it goes to write ${rows}, .* write ${ROWS} was.*backup`))
    await expectAcceptable(rows)
  })

  it.each([
    ['emptied', () => Buffer.alloc(0)],
    ['zeroed', (bytes: Buffer) => Buffer.alloc(bytes.length)],
    ['cut short in its first batch', (bytes: Buffer) => bytes.subarray(0, 20)],
  ])('is no new one when its log is %s', async (_, damage) => {
    await changeLog(damage)
    await expectUntouchedRefusal(/lost all that was in it.*backup/)
    await expectAcceptable(0)
  })

  it('is refused when a bit of its last batch has flipped', async () => {
    await changeLog((bytes) => flipped(bytes, bytes.length - 300))
    await expectUntouchedRefusal(/lost its end/)
  })

  it('is refused when its files are gone, whatever is accepted', async () => {
    await rm(store, { recursive: true })
    await mkdir(store)
    await expectUntouchedRefusal(/lost its files.*backup/)
    await expect(openLevelStore(store, { ...options, onLoss: () => undefined })).rejects.toThrow(/lost its files/)
  })

  it('is refused when an older copy of it is put in its place', async () => {
    await cp(store, join(home, 'older'), { recursive: true })
    await made((opened) => commitRow(opened, 1))
    await rm(store, { recursive: true })
    await cp(join(home, 'older'), store, { recursive: true })
    await rm(join(home, 'older'), { recursive: true })
    await expectUntouchedRefusal(new RegExp(`goes to write ${ROWS}, and write ${ROWS + 1} was`))
  })

  it('whose rows are in tables is refused when the log after them is emptied', async () => {
    await made((opened) => commitRows(opened, 3))
    await changeLog(() => Buffer.alloc(0))
    await expectUntouchedRefusal(new RegExp(`goes to write ${ROWS}, and write ${ROWS + 3} was`))
    await expectAcceptable(ROWS)
  })

  it('opens with an empty log when all is in tables', async () => {
    await made((opened) => opened.compact?.(1, { gte: Buffer.alloc(0), lt: Buffer.alloc(3, 0xff) }) ?? Promise.reject())
    expect((await stat(await logOf(store))).size).toBe(0)
    expect(await witnessed()).toBe(ROWS)
    expect(await rowsOf()).toBe(ROWS)
  })

  it('opens as before when it has no witness, and gets one', async () => {
    await rm(witnessFile(store))
    await changeLog((bytes) => bytes.subarray(0, -1))
    expect(await rowsOf()).toBe(ROWS - 1)
    expect(await witnessed()).toBe(ROWS - 1)
  })

  it('is no new one without a witness either, when it has neither tables nor a log', async () => {
    await rm(witnessFile(store))
    await changeLog(() => Buffer.alloc(0))
    await expectUntouchedRefusal(/lost all that was in it.*backup/)
    await expectAcceptable(0)
  })

  it.each([
    ['a changed number', (text: string) => text.replace(`${ROWS}`, `${ROWS - 1}`)],
    ['a changed mark', (text: string) => text.replace(/..\}/, '00"}')],
    ['nothing in it', () => ''],
    ['more than it had', (text: string) => `${text} `],
    ['a number that is none', (text: string) => text.replace(`${ROWS}`, '999999999999999')],
  ])('is refused when its witness has %s', async (_, change) => {
    await writeFile(witnessFile(store), change(await readFile(witnessFile(store), 'utf8')))
    await expectUntouchedRefusal(/store\.witness.* is damaged or of another store: restore .*backup/)
    const losses: Error[] = []
    expect(await rowsOf({ onLoss: (loss) => losses.push(loss) })).toBe(ROWS)
    expect(losses).toHaveLength(1)
    expect(await witnessed()).toBe(ROWS)
  })

  it('does not believe the witness of another store', async () => {
    const mark = logMark(Buffer.alloc(32, 7), 'another')
    const other = await openLevelStore(join(home, 'other'), { ...options, mark })
    await commitRows(other, 3)
    await other.close()
    await cp(witnessFile(join(home, 'other')), witnessFile(store))
    await expectUntouchedRefusal(/of another store/)
  })
})

it('how far a store goes is found in tables that hold every value its number has had', async () => {
  // Many blocks of a table, the newest first.
  await made((opened) => commitRows(opened, 3000, 10))
  await made(() => Promise.resolve())
  expect((await stat(await logOf(store))).size).toBe(0)
  expect(await witnessed()).toBe(3000)
  expect(await rowsOf()).toBe(3000)
  await made((opened) => commitRows(opened, 2))
  await changeLog(() => Buffer.alloc(0))
  await expectUntouchedRefusal(/goes to write 3000, and write 3002 was/)
})

describe('a store that was killed', () => {
  let killed: string
  let bytesAt: number
  let source: string
  beforeAll(async () => {
    source = await mkdtemp(join(tmpdir(), 'coffer-witness-'))
    killed = join(source, 'killed')
    const live = join(source, 'live')
    const writer = await openLevelStore(live, options)
    await commitRows(writer, ROWS)
    await vi.waitFor(async () => expect(await witnessed(live)).toBe(ROWS), { timeout: 5000 })
    bytesAt = (await stat(await logOf(live))).size
    await cp(witnessFile(live), witnessFile(killed))
    for (let row = ROWS; row < ROWS + 5; row++) await commitRow(writer, row)
    await cp(live, killed, { recursive: true })
    await writer.close()
  })
  afterAll(() => rm(source, { recursive: true, force: true }))
  beforeEach(async () => {
    await cp(killed, store, { recursive: true })
    await cp(witnessFile(killed), witnessFile(store))
  })

  it('opens with all that it has', async () => {
    expect(await rowsOf()).toBe(ROWS + 5)
  })

  it.each([1, 500, 1500])('opens with %d bytes behind its witness', async (bytes) => {
    await truncate(await logOf(store), bytesAt + bytes)
    expect(await rowsOf()).toBe(ROWS + (bytes > BATCH_BYTES ? 1 : 0))
  })

  it('opens with exactly what its witness says, and not with a byte less', async () => {
    await truncate(await logOf(store), bytesAt - 1)
    await expectUntouchedRefusal(new RegExp(`goes to write ${ROWS - 1}, and write ${ROWS} was`))
    await rm(store, { recursive: true })
    await cp(killed, store, { recursive: true })
    await truncate(await logOf(store), bytesAt)
    expect(await rowsOf()).toBe(ROWS)
  })
})

describe('a first start that was cut short', () => {
  const plain = async (): Promise<void> => {
    const level = new Level<Buffer, Buffer>(store, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    await level.open()
    await level.close()
  }
  /** Leaves the witness that a first start begins with. */
  const begun = async (): Promise<void> => {
    await writeFile(join(home, 'file'), '')
    // The store cannot be made; its witness can.
    await mkdir(store)
    await mkdir(join(store, 'LOCK'))
    await expect(openLevelStore(store, options)).rejects.toThrow()
    await rm(store, { recursive: true })
    expect(await witnessed()).toBe(0)
  }
  beforeEach(begun)

  it.each([
    ['before the directory', async () => undefined],
    ['before the first file', () => mkdir(store)],
    ['after a draft of the witness', () => writeFile(`${witnessFile(store)}.new`, '{"v":1,')],
    [
      'after the first manifest',
      async () => {
        await mkdir(store)
        await writeFile(join(store, 'MANIFEST-000001'), 'cut')
      },
    ],
    ['before the first row', plain],
    [
      'within the first batch',
      async () => {
        await made(() => Promise.resolve())
        expect(await witnessed()).toBe(0)
        await changeLog((bytes) => bytes.subarray(0, -5))
      },
    ],
    ['before the first commit', () => made(() => Promise.resolve())],
  ])('%s is begun again', async (_, cut) => {
    await cut()
    expect(await rowsOf()).toBe(0)
    await made((opened) => commitRows(opened, 3))
    expect(await rowsOf()).toBe(3)
    expect((await readdir(home)).filter((name) => name !== 'file').sort()).toEqual(['store', 'store.witness'])
  })

  it('is not begun again after its first commit', async () => {
    const opened = await openLevelStore(store, options)
    await commitRow(opened, 0)
    await expect.poll(() => witnessed(), { timeout: 5000 }).toBe(1)
    await opened.close()
    await changeLog(() => Buffer.alloc(0))
    await expectUntouchedRefusal(/lost all/)
  })
})

describe('a witness that cannot be written', () => {
  const draft = () => `${witnessFile(store)}.new`

  it('stops no commit, is told once, and is written as soon as it can be', async () => {
    const errors: unknown[] = []
    const opened = await openLevelStore(store, { ...options, onWitnessError: (error) => errors.push(error) })
    await mkdir(draft())
    await commitRow(opened, 0)
    await expect.poll(() => errors.length, { timeout: 5000 }).toBe(1)
    for (let row = 1; row < ROWS; row++) expect(await commitRow(opened, row)).toBe(true)
    expect(await witnessed()).toBe(0)
    await rm(draft(), { recursive: true })
    await expect.poll(() => witnessed(), { timeout: 5000 }).toBe(ROWS)
    expect(errors).toHaveLength(1)
    await opened.close()
  })

  it('does not keep a store from being closed', async () => {
    const opened = await openLevelStore(store, options)
    await mkdir(draft())
    await commitRow(opened, 0)
    await opened.close()
    await rm(draft(), { recursive: true, force: true })
    expect(await rowsOf()).toBe(1)
    expect(await witnessed()).toBe(1)
  })

  it('lets no store be made: what is emptied later would look like a new one', async () => {
    await mkdir(draft())
    await expect(openLevelStore(store, options)).rejects.toMatchObject({
      code: 'MetadataStoreFailed',
      message: expect.stringMatching(/store cannot be made: EISDIR/),
    })
    await rm(draft(), { recursive: true })
    expect(await rowsOf()).toBe(0)
  })
})
