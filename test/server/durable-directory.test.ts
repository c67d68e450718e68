import * as fs from 'node:fs/promises'
import { expect, it, vi } from 'vitest'
import { openDataDirectory } from '../../src/server/data-directory.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** Directories are opened for nothing but to be synced. */
const synced: string[] = []
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>()
  const open: typeof real.open = async (path, ...rest) => {
    const handle = await real.open(path, ...rest)
    const sync = handle.sync.bind(handle)
    handle.sync = async () => {
      await sync()
      synced.push(String(path))
    }
    return handle
  }
  return { ...real, open }
})

it('the name of the data directory is durable, and those of its parents, whoever made them', async () => {
  await using home = await temporaryDirectory()
  const dataDir = home.join('a', 'b', 'data')
  expect(await openDataDirectory(dataDir)).toBe(dataDir)
  expect(new Set(synced)).toEqual(new Set([home.path, home.join('a'), home.join('a', 'b')]))
  expect((await fs.stat(home.join('a'))).mode & 0o777).toBe(0o700)
  synced.length = 0
  await openDataDirectory(dataDir)
  expect(synced).toEqual([home.join('a', 'b')])
})
