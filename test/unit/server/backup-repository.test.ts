import { readdir } from 'node:fs/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { pruneBackups } from '../../../src/server/backup/prune-backups.ts'
import { openRepositoryWriter } from '../../../src/server/backup/repository.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const synced = vi.hoisted(() => new Set<string>())
vi.mock('../../../src/storage/directories.ts', async (original) => {
  const actual = await original<typeof import('../../../src/storage/directories.ts')>()
  return {
    ...actual,
    syncDirectory: async (directory: string) => {
      await actual.syncDirectory(directory)
      synced.add(directory)
    },
  }
})
afterEach(() => synced.clear())

const ID = '20261123T000000Z-00000000'

it('syncs the names of what a backup that was killed has placed before a manifest needs it', async () => {
  await using home = await temporaryDirectory()
  const bytes = Buffer.from('placed by a backup that was killed')
  {
    using killed = await openRepositoryWriter(home.join('repository'))
    expect(await killed.put(bytes)).toMatchObject({ isNew: true })
  }
  synced.clear()
  using repository = await openRepositoryWriter(home.join('repository'))
  const { sha256, isNew } = await repository.put(bytes)
  expect(isNew).toBe(false)
  await repository.finish(ID, 'a manifest')
  expect(synced).toContain(home.join(`repository/objects/${sha256.slice(0, 2)}`))
})

it('removes nothing where no backup says what is needed', async () => {
  await using home = await temporaryDirectory()
  using repository = await openRepositoryWriter(home.join('repository'))
  await repository.put(Buffer.from('needed by a manifest that is not here now'))
  await expect(pruneBackups(repository, new Set(), false)).rejects.toMatchObject({ code: 'BackupInvalid' })
  expect(await readdir(home.join('repository/objects'))).toHaveLength(1)
})
