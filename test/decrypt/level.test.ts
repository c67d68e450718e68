import { readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { openLevelStore } from '../../src/decrypt/level/level-store.ts'
import { readBatch, readLog } from '../../src/decrypt/level/log-file.ts'
import { unsnappy } from '../../src/decrypt/level/snappy.ts'
import { contentBytes } from '../support/content.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

type Rows = [string, string][]

/** Rows over several levels: written, written again, deleted, in several runs, some of it in the log alone. */
async function filled(
  directory: string,
  compression: boolean,
): Promise<{ readonly rows: Rows; readonly sizes: number[] }> {
  const open = () =>
    new Level<Buffer, Buffer>(directory, {
      ...{
        keyEncoding: 'buffer',
        valueEncoding: 'buffer',
        writeBufferSize: 100_000,
        maxFileSize: 1 << 20,
        compression,
      },
    })
  const key = (index: number) => Buffer.from(`${'shared prefix '.repeat(index % 3)}${(index * 7919) % 4001}`)
  for (let run = 0; run < 4; run++) {
    const level = open()
    for (let at = 0; at < 4000; at += 100) {
      const batch = Array.from({ length: 100 }, (_, index) => {
        const number = at + index
        const value = Buffer.concat([
          contentBytes(`${run} ${number}`, (number * 31) % 200),
          Buffer.alloc(number % 90, run),
        ])
        return (number + run) % 5 === 0
          ? ({ type: 'del', key: key(number) } as const)
          : ({ type: 'put', key: key(number), value } as const)
      })
      await level.batch(batch)
    }
    await level.close()
  }
  const level = open()
  const rows = (await level.iterator().all()).map(([one, value]): Rows[number] => [
    one.toString('hex'),
    value.toString('hex'),
  ])
  await level.put(Buffer.from('only in the log'), Buffer.from('x'))
  rows.push([Buffer.from('only in the log').toString('hex'), '78'])
  await level.close()
  const tables = (await readdir(directory)).filter((name) => name.endsWith('.ldb'))
  return {
    rows: rows.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    sizes: await Promise.all(tables.map(async (name) => (await readFile(join(directory, name))).length)),
  }
}

const hexRows = (store: ReturnType<typeof openLevelStore>, from = Buffer.alloc(0), before?: Buffer): Rows =>
  [...store.rows(from, before)].map(({ key, value }) => [key.toString('hex'), value.toString('hex')])

describe('a LevelDB read out of its files', () => {
  it.each([false, true])('has the rows that LevelDB gives (compressed: %s)', async (compression) => {
    await using home = await temporaryDirectory()
    const { rows, sizes } = await filled(home.join('level'), compression)
    expect(sizes.length).toBeGreaterThan(1)
    const store = openLevelStore(home.join('level'))
    expect(hexRows(store)).toEqual(rows)
    expect(store.warnings).toEqual([])
    for (const at of [0, 1, 17, 500, rows.length - 1]) {
      const key = Buffer.from(rows[at]?.[0] ?? '', 'hex')
      expect(store.get(key)?.toString('hex')).toBe(rows[at]?.[1])
      expect(store.get(Buffer.concat([key, Buffer.of(0)]))).toBeUndefined()
      const before = Buffer.from(rows[at + 20]?.[0] ?? 'ff', 'hex')
      expect(hexRows(store, key, before)).toEqual(rows.slice(at, at + 20))
    }
    store.close()
  })

  it('tells of a log that ends with something else, and of a block whose checksum does not fit', async () => {
    await using home = await temporaryDirectory()
    const { rows } = await filled(home.join('level'), false)
    const names = await readdir(home.join('level'))
    const log = home.join('level', names.find((name) => name.endsWith('.log')) ?? '')
    const bytes = await readFile(log)
    await writeFile(log, Buffer.concat([bytes, Buffer.alloc(100)]))
    expect(openLevelStore(home.join('level')).warnings).toEqual([])
    await writeFile(log, Buffer.concat([bytes, Buffer.from('what a crash left')]))
    const torn = openLevelStore(home.join('level'))
    expect(torn.warnings).toEqual([expect.stringContaining(`the 17 bytes from ${bytes.length} are no record`)])
    expect(hexRows(torn)).toEqual(rows)
    const table = home.join('level', names.find((name) => name.endsWith('.ldb')) ?? '')
    const whole = await readFile(table)
    whole[200] = (whole[200] ?? 0) ^ 1
    await writeFile(table, whole)
    expect(() => hexRows(openLevelStore(home.join('level')))).toThrow('checksum')
  })
})

it('A manifest with something else in it, and a log that is not there, are told of', async () => {
  await using home = await temporaryDirectory()
  await filled(home.join('level'), false)
  const names = await readdir(home.join('level'))
  const manifest = home.join('level', names.find((name) => name.startsWith('MANIFEST')) ?? '')
  const bytes = await readFile(manifest)
  const { offset = 0 } = readLog(bytes).records.at(-1) ?? {}
  const damaged = Buffer.from(bytes)
  damaged[offset + 8] = (damaged[offset + 8] ?? 0) ^ 1
  await writeFile(manifest, damaged)
  expect(openLevelStore(home.join('level')).warnings).toContainEqual(expect.stringContaining(`from ${offset} are no`))
  await writeFile(manifest, bytes)
  await unlink(home.join('level', names.find((name) => name.endsWith('.log')) ?? ''))
  expect(openLevelStore(home.join('level')).warnings).toEqual([expect.stringContaining('.log is not there')])
})

describe('a batch', () => {
  it('of a log holds so many rows and nothing else', () => {
    const batch = (count: number) =>
      Buffer.concat([Buffer.alloc(8), Buffer.of(count, 0, 0, 0), Buffer.from([1, 1, 107, 1, 118, 0, 1, 108])])
    expect(readBatch(batch(2), 'it').map(({ key, value }) => [String(key), value && String(value)])).toEqual([
      ['k', 'v'],
      ['l', undefined],
    ])
    for (const count of [0, 1, 3, 255])
      expect(() => readBatch(batch(count), 'it')).toThrow(/longer than it says|ends too soon|fewer rows/)
  })
})

describe('Snappy', () => {
  it.each([
    ['literals and copies that reach into themselves', '0b086162631103', 'abcabcabcab'],
    ['nothing', '00', ''],
  ])('%s', (_, compressed, text) => {
    expect(unsnappy(Buffer.from(compressed, 'hex'), 'it').toString('latin1')).toBe(text)
  })

  it.each([
    ['a copy of what is not there', '040101', 'copies'],
    ['more than it says', '0208616263', 'longer'],
    ['less than it says', '0408616263', 'shorter'],
    ['a literal that is cut off', '04086162', 'too soon'],
    ['a length beyond any block', 'ffffffff7f', 'larger'],
  ])('%s is refused', (_, compressed, message) => {
    expect(() => unsnappy(Buffer.from(compressed, 'hex'), 'it')).toThrow(message)
  })
})
