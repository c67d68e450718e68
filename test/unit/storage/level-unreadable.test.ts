import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import { testMark } from '../../support/log-mark.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const ROWS = 600
const keyOf = (row: number): Buffer => Buffer.from(row.toString().padStart(6, '0'))

it('does not call a table damaged that the system does not open for now, and reads it when it does', async () => {
  await using home = await temporaryDirectory()
  const directory = home.join('store')
  const open = () => openLevelStore(directory, { mark: testMark, onFailure: () => {} })
  const filled = await open()
  for (let row = 0; row < ROWS; row++) {
    await filled.commit([{ type: 'put', space: 1, key: keyOf(row), value: randomBytes(60_000) }])
  }
  await filled.compact?.(1, { gte: Buffer.alloc(0), lt: Buffer.alloc(8, 0xff) })
  await filled.close()

  const store = await open()
  const tables = (await readdir(directory)).filter((name) => name.endsWith('.ldb'))
  expect(tables.length).toBeGreaterThan(5)
  for (const table of tables) {
    await rename(path.join(directory, table), home.join(table))
    await mkdir(path.join(directory, table))
  }
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
  for (const read of reads) await expect(read()).rejects.toMatchObject({ code: 'MetadataStoreFailed' })
  for (const table of tables) {
    await rename(path.join(directory, table), home.join(`${table}.directory`))
    await rename(home.join(table), path.join(directory, table))
  }
  expect((await store.get(1, keyOf(1)))?.value).toHaveLength(60_000)
  await store.close()
})
