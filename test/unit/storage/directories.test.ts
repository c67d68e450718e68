import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensureDirectory } from '../../../src/storage/directories.ts'

describe('ensureDirectory', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'coffer-directories-'))
  })
  afterEach(() => rm(home, { recursive: true, force: true }))

  it('makes a directory and its parents for the owner alone, once or many times', async () => {
    const path = join(home, 'a', 'b', 'c')
    await Promise.all(Array.from({ length: 5 }, () => ensureDirectory(path)))
    await ensureDirectory(path)
    for (const made of [path, join(path, '..')]) expect((await stat(made)).mode & 0o777).toBe(0o700)
  })

  it.skipIf(process.platform !== 'linux')('fails where the kernel says that there is no such place', async () => {
    await expect(ensureDirectory('/proc/coffer/data')).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
