import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FORMAT, FORMAT_KEY, SEQUENCE_KEY } from '../../../src/storage/metadata/level-format.ts'
import { openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import { logPart } from '../../support/level-log.ts'
import { testMark } from '../../support/log-mark.ts'

// What clients call their objects stands in clear in LevelDB's files; its checksums have no key.

const BLOCK_BYTES = 32 * 1024
const onFailure = (error: Error): void => {
  throw error
}

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'coffer-names-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

/** As a batch begins in the log, with a mark that is no more than guessed. */
function batchOf(sequence: number): Buffer {
  const head = Buffer.alloc(39, 0x61)
  head.writeBigUInt64LE(BigInt(sequence), 0)
  head.writeUInt32LE(2, 8)
  head.set([1, SEQUENCE_KEY.length, ...SEQUENCE_KEY, 22], 12)
  head.writeUIntBE(sequence, 17, 6)
  return Buffer.concat([head, Buffer.from('and then rows')])
}

const forged: readonly (readonly [what: string, name: Buffer])[] = [
  ['a whole record', logPart(1, Buffer.alloc(257, 'a'))],
  ['the first part of a batch', logPart(2, Buffer.alloc(257, 'a'))],
  ['first and last parts', Buffer.concat([logPart(2, Buffer.alloc(20, 'a')), logPart(4, Buffer.alloc(40, 'b'))])],
  ['a batch with the number that comes next', logPart(1, batchOf(4))],
  ['many records', Buffer.concat(Array.from({ length: 12 }, (_, n) => logPart(1 + (n % 4), Buffer.alloc(60, n))))],
]

const put = (key: Buffer) => ({ type: 'put', space: 2, key, value: Buffer.alloc(100, 1) }) as const
const before = Buffer.from('before')
const after = Buffer.from('zzz')

/** A store as a power cut leaves it, after one commit for each key. */
async function cutAfter(keys: readonly Buffer[]): Promise<{ readonly store: string; readonly log: string }> {
  const live = join(home, 'live')
  const store = join(home, 'store')
  const writer = await openLevelStore(live, { mark: testMark, onFailure })
  for (const key of keys) await writer.commit([put(key)])
  await cp(live, store, { recursive: true })
  await writer.close()
  const log = (await readdir(store)).find((name) => name.endsWith('.log')) ?? ''
  return { store, log: join(store, log) }
}

async function keysIn(store: string): Promise<Buffer[]> {
  const opened = await openLevelStore(store, { mark: testMark, onFailure })
  const rows = await opened.range(2, { gte: Buffer.alloc(0), lt: Buffer.alloc(2, 0xff), limit: 1000 })
  await opened.close()
  return rows.map(({ key }) => key)
}

const open = (store: string) => openLevelStore(store, { mark: testMark, onFailure })
const damaged = { code: 'MetadataCorrupt', message: expect.stringMatching(/is damaged at byte/) }

describe.each(forged)('a name that is %s', (_, name) => {
  it.each([1, 7, 60, 130])('in a last batch that lost %d bytes to a power cut, is given up with it', async (bytes) => {
    const { store, log } = await cutAfter([before, name])
    const whole = await readFile(log)
    await writeFile(log, whole.subarray(0, whole.length - bytes))
    expect(await keysIn(store)).toEqual([before])
  })

  it('in a last batch that lost its beginning to a power cut, is given up with it', async () => {
    const { store, log } = await cutAfter([before, name])
    const whole = await readFile(log)
    const at = whole.indexOf(name)
    await writeFile(log, whole.fill(0, at - 49, at))
    expect(await keysIn(store)).toEqual([before])
  })

  it('does not hide damage', async () => {
    const { store, log } = await cutAfter([before, name, after])
    const whole = await readFile(log)
    const at = whole.indexOf(name)
    await writeFile(log, whole.fill(0, at - 5, at))
    await expect(open(store)).rejects.toMatchObject(damaged)
  })

  it('as the bound of a table names no log that is lost', async () => {
    const { store } = await cutAfter([before])
    const manifest = join(store, (await readFile(join(store, 'CURRENT'), 'latin1')).trim())
    // An edit that says: the log has number 33; in one that was cut short.
    const header = Buffer.of(1, 2, 3, 4, 0, 64, 1)
    await appendFile(manifest, Buffer.concat([header, name, logPart(1, Buffer.of(2, 33))]))
    expect(await keysIn(store)).toEqual([before])
  })
})

it('a batch that begins a few bytes before the end of a block shows that what stands before it is damage', async () => {
  const live = join(home, 'live')
  const writer = await openLevelStore(live, { mark: testMark, onFailure })
  const log = join(live, (await readdir(live)).find((name) => name.endsWith('.log')) ?? '')
  await writer.commit([put(before)])
  const start = (await readFile(log)).length
  await writer.commit([put(before)])
  const batchBytes = (await readFile(log)).length - start
  const filler = BLOCK_BYTES - 20 - start - 2 * batchBytes + 100
  // Its length takes one byte more than that of the others.
  await writer.commit([{ ...put(before), value: Buffer.alloc(filler - 2, 2) }])
  expect((await readFile(log)).length).toBe(BLOCK_BYTES - 20)
  await writer.commit([put(after)])
  const store = join(home, 'store')
  await cp(live, store, { recursive: true })
  await writer.close()
  const name = join(store, (await readdir(store)).find((each) => each.endsWith('.log')) ?? '')
  await writeFile(name, (await readFile(name)).fill(0, 5000, 6000))
  await expect(open(store)).rejects.toMatchObject(damaged)
})

describe('a log of a version that made no marks', () => {
  const sequence = (number: number): Buffer => {
    const bytes = Buffer.alloc(6)
    bytes.writeUIntBE(number, 0, 6)
    return bytes
  }

  async function cutOld(): Promise<{ readonly store: string; readonly log: string }> {
    const live = join(home, 'live')
    const level = new Level<Buffer, Buffer>(live, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    await level.put(FORMAT_KEY, FORMAT)
    for (const number of [1, 2, 3]) {
      await level.batch([
        { type: 'put', key: Buffer.of(2, number), value: Buffer.concat([sequence(number), Buffer.alloc(50, number)]) },
        { type: 'put', key: SEQUENCE_KEY, value: sequence(number) },
      ])
    }
    const store = join(home, 'store')
    await cp(live, store, { recursive: true })
    await level.close()
    return { store, log: join(store, (await readdir(store)).find((name) => name.endsWith('.log')) ?? '') }
  }

  it('opens, and goes on with the next number', async () => {
    const { store } = await cutOld()
    expect(await keysIn(store)).toEqual([Buffer.of(1), Buffer.of(2), Buffer.of(3)])
    const opened = await open(store)
    await opened.commit([put(after)])
    expect((await opened.get(2, after))?.token).toBe('4')
    await opened.close()
  })

  it('opens with its last batch torn', async () => {
    const { store, log } = await cutOld()
    const whole = await readFile(log)
    await writeFile(log, whole.subarray(0, -7))
    expect(await keysIn(store)).toEqual([Buffer.of(1), Buffer.of(2)])
  })

  it('is refused with damage in its middle', async () => {
    const { store, log } = await cutOld()
    const whole = await readFile(log)
    await writeFile(log, whole.fill(0, whole.length - 120, whole.length - 110))
    await expect(open(store)).rejects.toMatchObject(damaged)
  })
})
