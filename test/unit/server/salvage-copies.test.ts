import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect, it, vi } from 'vitest'
import { copyBlobs } from '../../../src/server/salvage/copy-blobs.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const synced = vi.hoisted(() => new Set<string>())
vi.mock('../../../src/storage/directories.ts', async (original) => {
  const actual = await original<typeof import('../../../src/storage/directories.ts')>()
  const noted = (sync: (path: string) => Promise<void>) => async (path: string) => {
    await sync(path)
    synced.add(path)
  }
  return { ...actual, syncDirectory: noted(actual.syncDirectory), syncFile: noted(actual.syncFile) }
})

it('Blobs that were salvaged are durable: bytes that were copied, and all names', async () => {
  await using home = await temporaryDirectory()
  const lease = '0123456789abcdef'
  const [pack, file] = [`${lease}/p/00000000`, `${lease}/f/00000000/000`]
  for (const path of [pack, file]) {
    await mkdir(dirname(home.join('from', path)), { recursive: true })
    await writeFile(home.join('from', path), path)
  }
  expect(await copyBlobs(home.join('from'), home.join('to'))).toMatchObject({ linked: 1, copied: 1 })
  const directories = ['', lease, `${lease}/p`, `${lease}/f`, `${lease}/f/00000000`]
  expect(synced).toEqual(new Set([pack, ...directories].map((path) => home.join('to', path))))
})
