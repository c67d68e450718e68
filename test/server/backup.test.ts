import { cp, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readPublicKeys } from '../../src/audit/keys.ts'
import { verifyLog } from '../../src/audit/verify.ts'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { startCommand } from '../support/coffer-command.ts'
import { contentBytes } from '../support/content.ts'
import { fillStore } from '../support/full-store.ts'
import { keyOwner } from '../support/keys.ts'
import { withRows } from '../support/level-rows.ts'
import { ownCommand } from '../support/own-command.ts'
import { portraitOf } from '../support/portrait.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

let home: TemporaryDirectory
let server: ServerProcess
let s3: S3Client
let repository: string
/** Of the server that is backed up, for commands. */
let settings: Record<string, string>
beforeEach(async () => {
  home = await temporaryDirectory()
  repository = home.join('repository')
  settings = { COFFER_DATA_DIR: home.join('data') }
  server = await start(home.join('data'))
  s3 = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
})
afterEach(async () => {
  s3.destroy()
  await server[Symbol.asyncDispose]()
  await home[Symbol.asyncDispose]()
})

/** On another data directory the same instance key. */
const start = async (dataDir: string, more: Record<string, string> = {}): Promise<ServerProcess> =>
  startServerProcess({
    dataDir,
    bootstrapFile: await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount]),
    settings: { ...QUICK, COFFER_INSTANCE_KEY_FILE: home.join('data.key'), ...more },
  })

const QUICK = { COFFER_KMS_ENABLE_DELAY_MS: '0', COFFER_KMS_ROTATE_INTERVAL_MS: '0', COFFER_LOG_LEVEL: 'warn' }

const backup = (...args: readonly string[]) => ownCommand(['backup', 'create', repository, ...args], settings)
const verify = (...args: readonly string[]) => ownCommand(['backup', 'verify', repository, ...args], settings)
const restoreTo = (name: string, ...args: readonly string[]) =>
  ownCommand(['restore', repository, ...args], {
    COFFER_DATA_DIR: home.join(name),
    COFFER_INSTANCE_KEY_FILE: home.join('data.key'),
  })

const put = (key: string, bytes: number, bucket = 'bucket') =>
  s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: contentBytes(key, bytes) }))

/** Of a file each; to copy them takes a while. */
const putMany = (count: number) => Promise.all(Array.from({ length: count }, (_, at) => put(`key-${at}`, 1_000_000)))

async function taken(): Promise<{ id: string; addedBytes: number; copiedBytes: number; files: number; rows: number }> {
  const { status, out, err } = await backup('--json')
  expect({ status, err }).toEqual({ status: 0, err: '' })
  return JSON.parse(out)
}

const filesUnder = async (directory: string): Promise<string[]> =>
  (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()

/** A server on what was restored, for as long as `look` takes. */
async function onRestored<Result>(name: string, look: (server: ServerProcess, client: S3Client) => Promise<Result>) {
  await using restored = await start(home.join(name))
  const client = s3ClientFor({ s3Url: restored.s3Url, ...mainAccount.user })
  try {
    return await look(restored, client)
  } finally {
    client.destroy()
    await restored.stop()
  }
}

describe('the restore drill', () => {
  it('gives back all that a running server had acknowledged: objects, versions, uploads, settings, keys, identities, the audit log', async () => {
    await fillStore(server)
    const before = await portraitOf(server)
    await taken()
    expect(await verify()).toMatchObject({ status: 0, out: expect.stringContaining('is whole') })
    await server.stop()
    // Not even the socket or a witness is needed of the former directory.
    await rm(home.join('data'), { recursive: true })
    const restored = await restoreTo('new')
    expect(restored).toMatchObject({ status: 0, out: expect.stringContaining('✓ restored backup') })
    await onRestored('new', async (again) => {
      expect(await portraitOf(again)).toEqual(before)
      expect(again.output()).toContain('first start after a restore')
    })
    const publicKey = await ownCommand(['audit', 'public-key'], {
      COFFER_DATA_DIR: home.join('new'),
      COFFER_INSTANCE_KEY_FILE: home.join('data.key'),
    })
    const keys = readPublicKeys(publicKey.out)
    const log = await verifyLog({ source: { type: 'directory', path: home.join('new/audit') }, keys })
    expect(log).toMatchObject({ outcome: 'verified' })
    const lines = await readFile(home.join('new/audit/audit-0000000001.jsonl'), 'utf8')
    expect(lines).toContain('"action":"kms.secrets.rotate"')
    expect(lines).toContain('"action":"store.backup"')
    expect(lines).toContain('"action":"store.restored"')
    // Rows, bytes, counters and keys agree, and nothing is left over.
    const looked = await ownCommand(['verify', '--json'], {
      COFFER_DATA_DIR: home.join('new'),
      COFFER_INSTANCE_KEY_FILE: home.join('data.key'),
    })
    expect({ status: looked.status, err: looked.err }).toMatchObject({ status: 0 })
    expect(looked.out).not.toMatch(/"orphans":[1-9]/)
    // The start that took note of it was the only one.
    await onRestored('new', async (again) => {
      expect(again.output()).not.toContain('first start after a restore')
      expect(await portraitOf(again)).toEqual(before)
    })
  })

  it('gives back exactly what was acknowledged before the backup, while clients write and delete', async () => {
    await makeBucket(s3, 'bucket')
    const written = new Map<string, number>()
    const removed = new Set<string>()
    let running = true
    /** Each with keys of its own: what is in the map was acknowledged, and stays or was told to go. */
    const workers = Array.from({ length: 6 }, async (_, worker) => {
      for (let turn = 0; running; turn++) {
        const key = `${worker}/${turn}`
        const bytes = turn % 9 === 0 ? 300_000 : 200 + turn
        await put(key, bytes)
        written.set(key, bytes)
        const old = `${worker}/${turn - 5}`
        if (turn % 2 === 1 && written.has(old)) {
          removed.add(old)
          await s3.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: old }))
        }
      }
    })
    const snapshots: { id: string; before: Map<string, number>; removedMeanwhile: Set<string> }[] = []
    for (let round = 0; round < 2; round++) {
      await sleep(500)
      const before = new Map([...written].filter(([key]) => !removed.has(key)))
      const { id } = await taken()
      snapshots.push({ id, before, removedMeanwhile: new Set(removed) })
    }
    running = false
    await Promise.all(workers)
    expect(written.size).toBeGreaterThan(30)
    expect(await verify('--all')).toMatchObject({ status: 0 })
    for (const { id, before, removedMeanwhile } of snapshots) {
      const restored = await restoreTo(id, '--backup', id)
      expect(restored).toMatchObject({ status: 0, err: '' })
      await onRestored(id, async (_, client) => {
        const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
        for (const { Key = '' } of Contents) await expectContent(client, Key, written.get(Key) ?? -1)
        const there = new Set(Contents.map(({ Key }) => Key))
        for (const key of before.keys()) expect(there.has(key) || removedMeanwhile.has(key), key).toBe(true)
      })
    }
  })

  it('is refused where something is, goes on where it was killed, and opens for no server before it has ended', async () => {
    await makeBucket(s3, 'bucket')
    for (let at = 0; at < 30; at++) await put(`key-${at}`, at % 3 === 0 ? 300_000 + at : 1000 + at)
    await taken()
    await mkdir(home.join('taken'))
    await writeFile(home.join('taken/something'), '')
    expect(await restoreTo('taken')).toMatchObject({ status: 8, err: expect.stringContaining('not empty') })
    expect(await readdir(home.join('taken'))).toEqual(['something'])
    expect(await restoreTo('new', '--dry-run')).toMatchObject({
      status: 0,
      out: expect.stringContaining('Nothing was written'),
    })
    await expect(stat(home.join('new'))).rejects.toMatchObject({ code: 'ENOENT' })

    const environment = { COFFER_DATA_DIR: home.join('new'), COFFER_INSTANCE_KEY_FILE: home.join('data.key') }
    const cut = startCommand(['restore', repository], environment)
    while (!(await stat(home.join('new/restoring.json')).catch(() => undefined))) await sleep(2)
    await sleep(20)
    cut.child.kill('SIGKILL')
    await cut.result
    // It may have ended before it was killed; else nothing opens it.
    const names = await readdir(home.join('new'))
    if (names.includes('restoring.json')) {
      await expect(start(home.join('new'))).rejects.toThrow('a restore into')
      expect(await restoreTo('new')).toMatchObject({ status: 0 })
    }
    expect(await restoreTo('new')).toMatchObject({ status: 8, err: expect.stringContaining('not empty') })
    await onRestored('new', async (_, client) => {
      for (let at = 0; at < 30; at++) await expectContent(client, `key-${at}`, at % 3 === 0 ? 300_000 + at : 1000 + at)
    })
  })

  it('is refused with another instance key, before anything is written', async () => {
    await taken()
    await writeFile(home.join('other.key'), contentBytes('another key', 32), { mode: 0o600 })
    const settings = { COFFER_DATA_DIR: home.join('new'), COFFER_INSTANCE_KEY_FILE: home.join('other.key') }
    const refused = await ownCommand(['restore', repository], settings)
    expect(refused).toMatchObject({ status: 12, err: expect.stringContaining('InstanceKeyWrong') })
    const missing = await ownCommand(['restore', repository], { COFFER_DATA_DIR: home.join('new') })
    expect(missing).toMatchObject({ status: 12, err: expect.stringContaining('InstanceKeyMissing') })
    await expect(stat(home.join('new'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

async function expectContent(client: S3Client, key: string, bytes: number): Promise<void> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: key }))
  const got = Buffer.from((await Body?.transformToByteArray()) ?? [])
  expect(got.equals(contentBytes(key, bytes)), key).toBe(true)
}

describe('an increment', () => {
  it('copies what is new, and nothing of what was deleted or overwritten since is in it any more', async () => {
    await makeBucket(s3, 'bucket')
    for (let at = 0; at < 10; at++) await put(`large-${at}`, 400_000)
    for (let at = 0; at < 50; at++) await put(`small-${at}`, 4000)
    const first = await taken()
    expect(first.copiedBytes).toBeGreaterThan(4_000_000)
    const still = await taken()
    // The audit log alone has grown.
    expect(still.copiedBytes).toBeLessThan(20_000)
    await put('large-0', 400_001)
    await s3.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: 'large-1' }))
    await put('small-50', 4000)
    await s3.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: 'small-0' }))
    const last = await taken()
    expect(last.copiedBytes).toBeGreaterThan(400_000)
    expect(last.copiedBytes).toBeLessThan(450_000)
    expect(await verify('--all')).toMatchObject({ status: 0 })

    const objects = join(repository, 'objects')
    const sizeOf = async () => {
      const sizes = await Promise.all((await filesUnder(objects)).map(async (file) => (await stat(file)).size))
      return sizes.reduce((sum, size) => sum + size, 0)
    }
    const before = await sizeOf()
    expect(await ownCommand(['backup', 'prune', repository, '--keep', '1'])).toMatchObject({ status: 0 })
    // Two large objects that only older backups had.
    expect(before - (await sizeOf())).toBeGreaterThan(800_000)
    expect(await verify('--all')).toMatchObject({ status: 0 })
    expect(await restoreTo('new')).toMatchObject({ status: 0 })
    // Of packs, too: what was deleted takes no place that nobody would ever free.
    const looked = await ownCommand(['verify', '--json'], {
      COFFER_DATA_DIR: home.join('new'),
      COFFER_INSTANCE_KEY_FILE: home.join('data.key'),
    })
    expect(looked).toMatchObject({ status: 0, out: expect.stringMatching(/"orphans":(0|\{[^}]*:0\})/) })
    await onRestored('new', async (_, client) => {
      await expectContent(client, 'large-0', 400_001)
      await expectContent(client, 'small-50', 4000)
      for (let at = 2; at < 10; at++) await expectContent(client, `large-${at}`, 400_000)
      for (let at = 1; at < 50; at++) await expectContent(client, `small-${at}`, 4000)
      const gone = client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'large-1' }))
      await expect(gone).rejects.toMatchObject({ name: 'NoSuchKey' })
    })
  })

  it('is taken of a stopped server, too, and goes on from those of a running one', async () => {
    await makeBucket(s3, 'bucket')
    await put('large', 400_000)
    await taken()
    await server.stop()
    const { copiedBytes } = await taken()
    expect(copiedBytes).toBeLessThan(20_000)
    expect(await verify('--all')).toMatchObject({ status: 0 })
    expect(await restoreTo('new')).toMatchObject({ status: 0 })
    await onRestored('new', (_, client) => expectContent(client, 'large', 400_000))
  })
})

describe('a backup that is killed', () => {
  it('leaves no backup, holds nothing in the server, and what it copied is not copied again', async () => {
    await makeBucket(s3, 'bucket')
    await putMany(40)
    const killed = startCommand(['backup', 'create', repository], settings)
    // Killed while it copies files: the log of what is copied has begun.
    const log = join(repository, 'unfinished/copied.log')
    while (((await stat(log).catch(() => undefined))?.size ?? 0) < 1000) await sleep(1)
    killed.child.kill('SIGKILL')
    await killed.result
    expect(await readdir(join(repository, 'backups'))).toEqual([])
    expect(await ownCommand(['backup', 'ls', repository])).toMatchObject({ status: 0, out: '' })
    expect(await restoreTo('new')).toMatchObject({ status: 1, err: expect.stringContaining('no finished backup') })
    // Deleted bytes go: nothing is held any more.
    await s3.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: 'key-39' }))
    const blobs = join(home.join('data'), 'blobs')
    while ((await filesUnder(blobs)).length > 39) await sleep(20)
    const { copiedBytes } = await taken()
    expect(copiedBytes).toBeLessThan(39_000_000)
    expect(await verify()).toMatchObject({ status: 0 })
    expect((await readdir(join(repository, 'unfinished'))).length).toBe(0)
  })

  it('with its server, says so, and is taken when the server is back', async () => {
    await makeBucket(s3, 'bucket')
    await putMany(40)
    const running = startCommand(['backup', 'create', repository], settings)
    const log = join(repository, 'unfinished/copied.log')
    while (((await stat(log).catch(() => undefined))?.size ?? 0) < 500) await sleep(1)
    await server.kill()
    const { status, err } = await running.result
    expect({ status, err }).toMatchObject({ status: 1, err: expect.stringContaining('run the same command again') })
    expect(await readdir(join(repository, 'backups'))).toEqual([])
    server = await start(home.join('data'))
    await taken()
    expect(await verify()).toMatchObject({ status: 0 })
  })

  it('holds bytes that are deleted meanwhile until they are copied', async () => {
    await makeBucket(s3, 'bucket')
    await putMany(40)
    const running = startCommand(['backup', 'create', repository, '--json'], settings)
    const begun = join(repository, 'unfinished/copied.log')
    while (!(await stat(begun).catch(() => undefined))?.size) await sleep(1)
    for (let at = 0; at < 40; at++) await s3.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: `key-${at}` }))
    const { status, out } = await running.result
    expect(status).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ missing: [] })
    expect(await restoreTo('new')).toMatchObject({ status: 0 })
    await onRestored('new', async (_, client) => {
      for (let at = 0; at < 40; at++) await expectContent(client, `key-${at}`, 1_000_000)
    })
    const blobs = join(home.join('data'), 'blobs')
    while ((await filesUnder(blobs)).length > 0) await sleep(20)
  })
})

describe('coffer backup verify', () => {
  it('finds whatever is changed, cut short or gone, and a restore refuses it', async () => {
    await makeBucket(s3, 'bucket')
    await put('large', 400_000)
    await taken()
    const damages = [
      ['large', flip],
      ['rows', flip],
      ['large', (file: string) => truncate(file, 1000)],
      ['large', (file: string) => rm(file)],
    ] as const
    for (const [kind, damage] of damages) {
      const file = await fileOf(await filesUnder(join(repository, 'objects')), kind)
      await damage(file)
      expect(await verify()).toMatchObject({ status: 1, err: expect.stringContaining(file) })
      expect(await restoreTo(`new-${kind}`)).toMatchObject({ status: 1, err: expect.stringContaining(file) })
      await rm(home.join(`new-${kind}`), { recursive: true, force: true })
      // What the store still has is copied again.
      await rm(file, { force: true })
      await taken()
      expect(await verify('--quick')).toMatchObject({ status: 0 })
    }
    expect(await verify()).toMatchObject({ status: 0 })
  })

  it('finds a manifest that was changed, and takes one for no more than it was signed for', async () => {
    await taken()
    const [name = ''] = await readdir(join(repository, 'backups'))
    const path = join(repository, 'backups', name)
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('"missing":[]', '"missing":["blobs/0000000000000000/p/00000000"]'))
    expect(await verify()).toMatchObject({ status: 1, err: expect.stringContaining('it was changed') })
    expect(await restoreTo('new')).toMatchObject({ status: 1, err: expect.stringContaining('it was changed') })
    // Nor does the next backup go on from it.
    const next = await backup()
    expect(next).toMatchObject({ status: 0, err: expect.stringContaining('it was changed') })
    await writeFile(path, text.replace('coffer-backup-1', 'coffer-backup-2'))
    const later = await verify('--backup', name.replace('.json', ''))
    expect(later).toMatchObject({ status: 1, err: expect.stringContaining('use a later one') })
  })

  it('needs no key and no server where it has the public key', async () => {
    await taken()
    const { out } = await ownCommand(['audit', 'public-key'], settings)
    await writeFile(home.join('audit.pem'), out)
    await server.stop()
    await cp(repository, home.join('elsewhere'), { recursive: true })
    const args = ['backup', 'verify', home.join('elsewhere')]
    const signed = await ownCommand([...args, '--public-key', home.join('audit.pem')])
    expect(signed).toMatchObject({ status: 0, out: expect.stringContaining('signed by this store') })
    const unsigned = await ownCommand(args, { COFFER_DATA_DIR: home.join('nowhere') })
    expect(unsigned).toMatchObject({ status: 3, out: expect.stringContaining('signature was not looked at') })
  })
})

const flip = async (file: string): Promise<void> => {
  const bytes = await readFile(file)
  const at = bytes.length >> 1
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await writeFile(file, bytes)
}

async function fileOf(files: readonly string[], kind: 'large' | 'rows'): Promise<string> {
  for (const file of files) {
    const bytes = await readFile(file)
    const isRows = bytes.subarray(0, 4).toString('latin1') === 'CBR1'
    if (kind === 'rows' ? isRows : !isRows && bytes.length > 300_000) return file
  }
  throw new Error(`there is no object with ${kind}`)
}

describe('a store that is not whole', () => {
  it('is backed up but for what is missing, which is told; and says so again when it is verified', async () => {
    await makeBucket(s3, 'bucket')
    await put('kept', 300_000)
    await put('lost', 300_001)
    const files = await filesUnder(home.join('data/blobs'))
    for (const file of files) if ((await stat(file)).size > 300_100) await rm(file)
    const sizes = await Promise.all(files.map((file) => stat(file).catch(() => undefined)))
    const gone = files.filter((_, at) => sizes[at] === undefined)
    expect(gone.length).toBeGreaterThan(0)
    const { status, err } = await backup()
    expect({ status, err }).toEqual({ status: 3, err: expect.stringContaining('/f/00000000/') })
    expect(await verify()).toMatchObject({ status: 3, out: expect.stringContaining('were missing') })
    expect(await restoreTo('new')).toMatchObject({ status: 0 })
  })
})

describe('a storage class', () => {
  it('is in the backup with its directory, and goes to the directory that the settings name', async () => {
    await server.stop()
    const classes = (name: string) => ({ COFFER_STORAGE_CLASSES: `STANDARD_IA=${home.join(name)}` })
    await using classed = await start(home.join('data'), classes('slow'))
    const client = s3ClientFor({ s3Url: classed.s3Url, ...mainAccount.user })
    await makeBucket(client, 'bucket')
    const object = { Bucket: 'bucket', StorageClass: 'STANDARD_IA' } as const
    for (const [Key, bytes] of [
      ['large', 400_000],
      ['small', 900],
    ] as const) {
      await client.send(new PutObjectCommand({ ...object, Key, Body: contentBytes(Key, bytes) }))
    }
    client.destroy()
    expect((await filesUnder(home.join('slow'))).length).toBe(3)
    await taken()
    await classed.stop()
    expect(await restoreTo('new')).toMatchObject({
      status: 1,
      err: expect.stringContaining('storage class STANDARD_IA'),
    })
    await mkdir(home.join('taken'))
    await writeFile(home.join('taken/something'), '')
    const to = (name: string) => ({
      ...{ COFFER_DATA_DIR: home.join('new'), COFFER_INSTANCE_KEY_FILE: home.join('data.key') },
      ...classes(name),
    })
    expect(await ownCommand(['restore', repository], to('taken'))).toMatchObject({ status: 8 })
    expect(await ownCommand(['restore', repository], to('slow-new'))).toMatchObject({ status: 0, err: '' })
    await using again = await start(home.join('new'), classes('slow-new'))
    const restored = s3ClientFor({ s3Url: again.s3Url, ...mainAccount.user })
    await expectContent(restored, 'large', 400_000)
    await expectContent(restored, 'small', 900)
    restored.destroy()
    await again.stop()
  })
})

describe('what a restored store shares with the life that it lost', () => {
  it('is no lease, no salt of an epoch, and no blob id', async () => {
    await makeBucket(s3, 'bucket')
    await put('before', 300_000)
    await taken()
    await server.stop()
    await using lost = await start(home.join('data'))
    const lostClient = s3ClientFor({ s3Url: lost.s3Url, ...mainAccount.user })
    await lostClient.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'lost', Body: contentBytes('lost', 300_000) }))
    lostClient.destroy()
    await lost.stop()
    expect(await restoreTo('new')).toMatchObject({ status: 0 })
    await onRestored('new', async (_, client) => {
      await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'new', Body: contentBytes('new', 300_000) }))
    })
    const leasesOf = async (name: string) => new Set(await readdir(home.join(`${name}/blobs`)))
    const [lostLeases, newLeases] = [await leasesOf('data'), await leasesOf('new')]
    const shared = lostLeases.intersection(newLeases)
    // Only that of the life before the backup.
    expect(shared.size).toBe(1)
    for (const store of ['metadata', 'iam', 'kms']) {
      const [lostSalts, newSalts] = [
        await saltsOf(home.join(`data/${store}`)),
        await saltsOf(home.join(`new/${store}`)),
      ]
      const common = [...lostSalts].filter(([epoch, salt]) => newSalts.get(epoch) === salt)
      // The epochs of the life before: one of each, and the others have the same numbers and other salts.
      expect(common.length).toBe(1)
      expect(lostSalts.size).toBeGreaterThan(1)
      expect(newSalts.size).toBeGreaterThan(1)
    }
  })

  it('brings back what was taken since, and its audit log tells where it was set back', async () => {
    const owner = await keyOwner(server.controlUrl)
    const key = await owner.newKey('root')
    await makeBucket(s3, 'bucket', key.crn)
    await put('object', 1000)
    await taken()
    await owner.act(key.id, 'disable')
    await owner.withdrawAuthorizations()
    await server.stop()
    const publicKey = await ownCommand(['audit', 'public-key'], settings)
    await writeFile(home.join('audit.pem'), publicKey.out)
    const args = ['--public-key', home.join('audit.pem')]
    const lost = await ownCommand(['audit', 'verify', home.join('data/audit'), ...args])
    const head = /head (\S+)/.exec(lost.out)?.[1] ?? ''
    const restored = await restoreTo('new')
    const since = /--from (\S+)/.exec(restored.out)?.[1] ?? ''
    const undone = await ownCommand(['audit', 'export', home.join('data/audit'), '--from', since])
    expect(undone.out).toContain('"action":"kms.secrets.disable"')
    expect(undone.out).toContain('"action":"iam.policy.delete"')
    await onRestored('new', async (again, client) => {
      await expectContent(client, 'object', 1000)
      // What the key has wrapped in the lost time nobody knows: an eighth of what it may is taken for it.
      const restoredOwner = await keyOwner(again.controlUrl)
      const { json } = await restoredOwner.call('GET', `/admin/v1/keys/usage?crn=${encodeURIComponent(key.crn)}`)
      expect(json.wrapBudgets[0].wraps).toBeGreaterThanOrEqual(2 ** 29)
    })
    const noted = await ownCommand(['audit', 'verify', home.join('new/audit'), ...args, '--expect', head])
    expect(noted).toMatchObject({ status: 1 })
    expect(await ownCommand(['audit', 'verify', home.join('new/audit'), ...args])).toMatchObject({ status: 0 })
  })
})

/** Epoch → salt in hex, as the rows of space 254 of a stopped store have them. */
async function saltsOf(directory: string): Promise<Map<number, string>> {
  const copy = `${directory}-copy`
  await cp(directory, copy, { recursive: true })
  const salts = await withRows(copy, async ({ all }) =>
    all
      .filter(({ key }) => key[0] === 254)
      .map(({ key, value }) => [key.readUInt32BE(1), value.subarray(6).toString('hex')] as const),
  )
  await rm(copy, { recursive: true })
  return new Map(salts)
}

describe('a repository that outlives a restore', () => {
  it('has the audit log of the life that goes on, and nothing of the one that was lost', async () => {
    const { id } = await taken()
    await makeBucket(s3, 'lost')
    await taken()
    await server.stop()
    expect(await restoreTo('new', '--backup', id)).toMatchObject({ status: 0 })
    const onNew = { COFFER_DATA_DIR: home.join('new'), COFFER_INSTANCE_KEY_FILE: home.join('data.key') }
    await onRestored('new', async (_, client) => {
      await makeBucket(client, 'kept')
      expect(await ownCommand(['backup', 'create', repository], onNew)).toMatchObject({ status: 0 })
    })
    expect(await verify('--all')).toMatchObject({ status: 0 })
    expect(await restoreTo('again')).toMatchObject({ status: 0 })
    const publicKey = await ownCommand(['audit', 'public-key'], onNew)
    await writeFile(home.join('audit.pem'), publicKey.out)
    const log = await ownCommand(['audit', 'verify', home.join('again/audit'), '--public-key', home.join('audit.pem')])
    expect(log).toMatchObject({ status: 0 })
    const lines = await Promise.all((await filesUnder(home.join('again/audit'))).map((file) => readFile(file, 'utf8')))
    expect(lines.join('')).not.toContain('lost')
  })
})
