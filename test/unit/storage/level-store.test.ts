import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import { testMark } from '../../support/log-mark.ts'

const run = promisify(execFile)
const WRITER = new URL('./level-writer.ts', import.meta.url).pathname
const unexpected = (error: Error): void => {
  throw error
}

describe('level store', () => {
  let home: string
  let directory: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'coffer-level-'))
    directory = join(home, 'store')
  })
  afterEach(() => rm(home, { recursive: true, force: true }))

  it('is refused while it is open elsewhere, and free again once closed', async () => {
    const store = await openLevelStore(directory, { mark: testMark, onFailure: unexpected })
    await expect(openLevelStore(directory, { mark: testMark, onFailure: unexpected })).rejects.toMatchObject({
      code: 'StoreLocked',
    })
    await expect(run(process.execPath, [WRITER, directory])).rejects.toMatchObject({
      stdout: expect.stringContaining('StoreLocked'),
    })
    await store.close()
    await (await openLevelStore(directory, { mark: testMark, onFailure: unexpected })).close()
  })

  it('may be closed, and its snapshots, while pages are read', async () => {
    const all = { gte: Buffer.alloc(0), lt: Buffer.alloc(5, 0xff), limit: 10_000 }
    for (let round = 0; round < 10; round++) {
      const store = await openLevelStore(directory, { mark: testMark, onFailure: unexpected })
      if (round === 0) {
        const keys = Array.from({ length: 500 }, (_, n) => Buffer.from(String(n)))
        await store.commit(keys.map((key) => ({ type: 'put', space: 1, key, value: key })))
      }
      const snapshot = await store.snapshot()
      const pages = Array.from({ length: 20 }, () => store.range(1, all))
      await snapshot.range(1, all)
      await snapshot[Symbol.asyncDispose]()
      const closing = store.close()
      await expect(store.range(1, all)).rejects.toMatchObject({ code: 'MetadataStoreFailed' })
      expect((await Promise.all(pages)).map((page) => page.length)).toEqual(Array(20).fill(500))
      await closing
    }
  })

  it('says MetadataCorrupt when its files are damaged', async () => {
    await (await openLevelStore(directory, { mark: testMark, onFailure: unexpected })).close()
    const manifest = (await readdir(directory)).find((name) => name.startsWith('MANIFEST'))
    await truncate(join(directory, manifest ?? ''), 1)
    await expect(openLevelStore(directory, { mark: testMark, onFailure: unexpected })).rejects.toMatchObject({
      code: 'MetadataCorrupt',
    })
  })

  it.skipIf(process.platform !== 'linux')(
    'when the file system takes no more: fails the commit, refuses later ones, calls onFailure once, and keeps what it acknowledged',
    async () => {
      const { stdout } = await run('prlimit', ['--fsize=300000', process.execPath, WRITER, directory])
      const report: { acknowledged: number; codes: string[]; failures: number } = JSON.parse(stdout)
      expect(report.acknowledged).toBeGreaterThan(10)
      expect(report.codes).toEqual(Array(5).fill('MetadataStoreFailed'))
      expect(report.failures).toBe(1)

      const store = await openLevelStore(directory, { mark: testMark, onFailure: unexpected })
      const rows = await store.range(1, { gte: Buffer.alloc(0), lt: Buffer.alloc(5, 0xff), limit: 10_000 })
      const numbers = rows.map(({ key }) => key.readUInt32BE())
      expect(numbers.slice(0, report.acknowledged)).toEqual(Array.from({ length: report.acknowledged }, (_, n) => n))
      await store.close()
    },
  )
})
