import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Level } from 'level'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import { findTableDamage } from '../../../src/storage/metadata/table-check.ts'
import { flipped } from '../../support/level-rows.ts'
import { testMark } from '../../support/log-mark.ts'

const ROWS = 200
const onFailure = (error: Error): void => {
  throw error
}
const options = { mark: testMark, onFailure }
const all = { gte: Buffer.alloc(0), lt: Buffer.alloc(2, 0xff), limit: 1000 }

let home: string
/** A store whose rows are in a table. */
let closed: string
let name: string
let whole: Buffer
let store: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'coffer-tables-'))
  closed = join(home, 'closed')
  const writer = await openLevelStore(closed, options)
  for (let row = 0; row < ROWS; row++) {
    const value = Buffer.from(Array.from({ length: 300 }, (_, at) => 1 + ((row * 31 + at * 7) % 255)))
    await writer.commit([{ type: 'put', space: 1, key: Buffer.from([row, 1]), value }])
  }
  await writer.close()
  // An opening writes the log to a table.
  await (await openLevelStore(closed, options)).close()
  const tables = (await readdir(closed)).filter((each) => each.endsWith('.ldb'))
  expect(tables).toHaveLength(1)
  name = tables[0] ?? ''
  whole = await readFile(join(closed, name))
})
afterAll(() => rm(home, { recursive: true, force: true }))
beforeEach(async () => {
  store = await mkdtemp(join(home, 'store-'))
  await cp(closed, store, { recursive: true })
})

/** With loss accepted, too: LevelDB would end the process when it met the damage. */
async function expectRefusal(message: RegExp): Promise<void> {
  for (const accept of [{}, { onLoss: () => undefined }]) {
    await expect(openLevelStore(store, { ...options, ...accept })).rejects.toMatchObject({
      code: 'MetadataCorrupt',
      message: expect.stringMatching(message),
    })
  }
}

describe('a table', () => {
  it('that is whole opens', async () => {
    expect(findTableDamage(whole)).toBeUndefined()
    const opened = await openLevelStore(store, options)
    expect(await opened.range(1, all)).toHaveLength(ROWS)
    await opened.close()
  })

  it.each([0, 8192, 40_960])('that has lost the page at %d to zeros is refused by name', async (at) => {
    const bytes = Buffer.from(whole).fill(0, at, at + 4096)
    await writeFile(join(store, name), bytes)
    await expectRefusal(new RegExp(`damaged at byte \\d+ of ${name}: restore .*backup`))
    expect((await readFile(join(store, name))).equals(bytes)).toBe(true)
  })

  it('with any bit of it changed is found, but for what only fills the end', () => {
    const footerAt = whole.length - 48
    const padding = whole.subarray(footerAt).indexOf(Buffer.alloc(8))
    const property = fc.property(fc.nat(whole.length - 1), (at) => {
      if (at >= footerAt + padding && at < whole.length - 8) return
      const damage = findTableDamage(flipped(whole, at))
      expect(damage).toBeDefined()
      // The first byte of the block, or of the end.
      expect(damage).toBeLessThanOrEqual(at)
    })
    const examples = [0, 4100, footerAt, footerAt + 3, footerAt - 1, footerAt - 20, whole.length - 1]
    fc.assert(property, { numRuns: 500, examples: examples.map((at) => [at]) })
  })

  it('of any bytes at all is judged without an error', () => {
    const magic = whole.subarray(-8)
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, ends) => {
      expect(findTableDamage(Buffer.concat(ends ? [bytes, magic] : [bytes]))).toBeGreaterThanOrEqual(0)
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('cut short is refused', async () => {
    await truncate(join(store, name), whole.length - 1)
    await expectRefusal(new RegExp(`cut short at byte ${whole.length - 1} of ${name}: restore`))
  })

  it('that is missing is refused', async () => {
    await rm(join(store, name))
    await expectRefusal(/lost the table \d+: restore/)
  })

  it('that is in use no more, or was being written, is not looked at', async () => {
    await writeFile(join(store, '000999.ldb'), 'half a table')
    const opened = await openLevelStore(store, options)
    expect(await opened.range(1, all)).toHaveLength(ROWS)
    await opened.close()
  })

  it('compressed by another program opens', async () => {
    const other = new Level<Buffer, Buffer>(store, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: true,
    })
    await other.batch(
      Array.from({ length: 5000 }, (_, row) => ({
        type: 'put',
        key: Buffer.from(`\u0003${'long'.repeat(50)}${row}`),
        value: Buffer.alloc(100),
      })),
    )
    await other.close()
    const again = new Level<Buffer, Buffer>(store, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: true,
    })
    await again.open()
    await again.close()
    const opened = await openLevelStore(store, options)
    expect(await opened.range(1, all)).toHaveLength(ROWS)
    await opened.close()
  })
})
