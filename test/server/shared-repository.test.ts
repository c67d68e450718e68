import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import { openRepositoryWriter } from '../../src/server/backup/repository.ts'
import { takeBackup } from '../../src/server/backup/take-backup.ts'
import { verifyBackup } from '../../src/server/backup/verify-backup.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { ownCommand } from '../support/own-command.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** As `coffer backup` of a server that runs. */
async function take({ house }: TestHouse, directory: string): Promise<string> {
  using repository = await openRepositoryWriter(directory)
  await using session = await house.beginBackup('all', (await repository.ids()).at(-1))
  return (await takeBackup({ session, repository })).manifest.id
}

async function storeWith(key: string): Promise<TestHouse> {
  const test = await startHouse()
  await test.client().send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await test.client().send(new PutObjectCommand({ Bucket: 'bucket', Key: key, Body: key.repeat(100_000) }))
  return test
}

interface Listed {
  readonly id: string
  readonly store: string
}

async function listed(repository: string): Promise<readonly Listed[]> {
  return JSON.parse((await ownCommand(['backup', 'ls', repository, '--json'])).out)
}

const manifestOf = (repository: string, id: string): string => join(repository, 'backups', `${id}.json`)

it('Backups of stores that share a repository are counted store by store when it is pruned', async () => {
  await using home = await temporaryDirectory()
  const repository = home.join('repository')
  await using one = await storeWith('one')
  await using other = await storeWith('other')
  const early = [await take(other, repository), await take(other, repository)]
  const late = [await take(one, repository), await take(one, repository), await take(one, repository)]
  const prune = (...more: readonly string[]) => ownCommand(['backup', 'prune', repository, '--keep', '2', ...more])
  expect(JSON.parse((await prune('--json')).out)).toMatchObject({
    removed: [late[0]],
    kept: [...early, ...late.slice(1)],
  })
  const left = await listed(repository)
  expect(left.map(({ id }) => id)).toEqual([...early, ...late.slice(1)])
  expect(new Set(left.map(({ store }) => store)).size).toBe(2)
  using reader = await openRepositoryWriter(repository)
  for (const { id } of left) {
    const known = new Set<string>()
    const report = await verifyBackup(reader, id, { keys: undefined, known, quick: false, onProgress: () => {} })
    expect(report.findings).toEqual([])
  }
})

it.each([
  ['rotten', () => 'rotten'],
  ['of a later release', (text: string) => text.replace('coffer-backup-1', 'coffer-backup-2')],
  ['with one wrong bit', (text: string) => text.replace('instanceKeyId', 'instanceKeyIe')],
])('A manifest that is %s keeps all bytes until somebody removes it by hand', async (_, spoilt) => {
  await using home = await temporaryDirectory()
  const repository = home.join('repository')
  await using store = await storeWith('one')
  await using other = await storeWith('two')
  const lost = await take(other, repository)
  const [first, second] = [await take(store, repository), await take(store, repository)]
  const file = manifestOf(repository, lost)
  await writeFile(file, spoilt(await readFile(file, 'utf8')))
  const prune = () => ownCommand(['backup', 'prune', repository, '--keep', '1', '--json'])
  expect(await prune()).toMatchObject({ status: 1, err: expect.stringContaining(`${lost}.json by hand`) })
  expect((await readdir(join(repository, 'backups'))).length).toBe(3)
  await rm(file)
  expect(JSON.parse((await prune()).out)).toMatchObject({ removed: [first], kept: [second] })
})

it('A backup is in the audit log by its own id, also when the clock was set back since the one before', async () => {
  await using home = await temporaryDirectory()
  const repository = home.join('repository')
  await using test = await startHouse()
  const first = await take(test, repository)
  const ahead = '29991231T235959Z-3e700000'
  await writeFile(manifestOf(repository, ahead), await readFile(manifestOf(repository, first)))
  const second = await take(test, repository)
  expect(second > ahead).toBe(true)
  const audit = join(test.dataDir, 'audit')
  const texts = await Promise.all((await readdir(audit)).map((name) => readFile(join(audit, name), 'utf8')))
  for (const id of [first, second]) expect(texts.join('')).toContain(`"${id}"`)
})

it('A word that is no verb takes no backup into a directory of that name', async () => {
  await using home = await temporaryDirectory()
  const { status, err } = await ownCommand(['backup', join(home.path, 'list'), '--data-dir', join(home.path, 'data')])
  expect({ status, err }).toEqual({ status: 2, err: expect.stringContaining('create, verify, ls or prune') })
  expect(await readdir(home.path)).toEqual([])
})
