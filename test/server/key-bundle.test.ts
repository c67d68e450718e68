import { access, copyFile, cp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { runCommand } from '../support/coffer-command.ts'
import { contentBytes } from '../support/content.ts'
import { keyOwner } from '../support/keys.ts'
import { ownCommand } from '../support/own-command.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const PASSPHRASE = 'a passphrase of the bundle alone'
const STORE_PASSPHRASE = 'the passphrase of the store itself'

let home: TemporaryDirectory
let bundle: string
const use = (directory: TemporaryDirectory): void => {
  home = directory
  bundle = home.join('keys.bundle')
}
beforeEach(async () => use(await temporaryDirectory()))
afterEach(() => home[Symbol.asyncDispose]())

const KEY_FILE = () => ({ COFFER_INSTANCE_KEY_FILE: home.join('data.key') })
const SEALED = () => ({ COFFER_INSTANCE_PASSPHRASE_FILE: home.join('store-passphrase') })

const start = async (instanceKey: Record<string, string>, name = 'data'): Promise<ServerProcess> =>
  startServerProcess({
    dataDir: home.join(name),
    bootstrapFile: await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount]),
    settings: { COFFER_KMS_ROTATE_INTERVAL_MS: '0', COFFER_LOG_LEVEL: 'warn', ...instanceKey },
  })

/** A file for a passphrase is named by the environment alone. */
const commandFor = (settings: Record<string, string>) =>
  'COFFER_INSTANCE_PASSPHRASE_FILE' in settings ? runCommand : ownCommand

const keys = (what: 'backup' | 'restore', args: readonly string[], settings: Record<string, string>) =>
  commandFor(settings)(['keys', what, ...args, '--passphrase-file', home.join('passphrase')], {
    COFFER_DATA_DIR: home.join('data'),
    ...settings,
  })
const restoreKeys = (settings: Record<string, string>, ...args: readonly string[]) =>
  keys('restore', [bundle, ...args], settings)

/** Of each kind of instance key one, which is made once; tests have copies. */
let withKeyFile: TemporaryDirectory
let withPassphrase: TemporaryDirectory
beforeAll(async () => {
  withKeyFile = await made(KEY_FILE)
  withPassphrase = await made(SEALED)
})
afterAll(async () => {
  await withKeyFile[Symbol.asyncDispose]()
  await withPassphrase[Symbol.asyncDispose]()
})

/** Puts a store here with objects under keys, one of them rotated; a bundle of it, made while the server ran. */
async function filled(instanceKey: Record<string, string>): Promise<void> {
  const from = 'COFFER_INSTANCE_KEY_FILE' in instanceKey ? withKeyFile : withPassphrase
  await cp(from.path, home.path, { recursive: true })
}

async function made(keyOf: () => Record<string, string>): Promise<TemporaryDirectory> {
  use(await temporaryDirectory())
  await writeFile(home.join('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 })
  await writeFile(home.join('store-passphrase'), STORE_PASSPHRASE, { mode: 0o600 })
  const instanceKey = keyOf()
  await using server = await start(instanceKey)
  const s3 = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  const owner = await keyOwner(server.controlUrl)
  const root = await owner.newKey('root')
  await makeBucket(s3, 'plain')
  await makeBucket(s3, 'customer', root.crn)
  for (const [Bucket, Key] of OBJECTS.slice(0, 2)) await s3.send(new PutObjectCommand({ Bucket, Key, Body: of(Key) }))
  await owner.act(root.id, 'rotate')
  for (const [Bucket, Key] of OBJECTS.slice(2)) await s3.send(new PutObjectCommand({ Bucket, Key, Body: of(Key) }))
  s3.destroy()
  expect(await keys('backup', ['--out', bundle], instanceKey)).toMatchObject({ status: 0, err: '' })
  await server.stop()
  return home
}

const OBJECTS = [
  ['plain', 'small'],
  ['customer', 'old-version'],
  ['customer', 'new-version'],
] as const
const of = (key: string): Buffer => contentBytes(key, 3000)

async function expectReadable(instanceKey: Record<string, string>, name = 'data'): Promise<void> {
  await using server = await start(instanceKey, name)
  const s3 = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  for (const [Bucket, Key] of OBJECTS) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(of(Key)), Key).toBe(true)
  }
  s3.destroy()
  await server.stop()
}

describe('a key bundle', () => {
  it('holds nothing that opens without its passphrase, is for its owner alone, and never written over', async () => {
    await filled(KEY_FILE())
    const text = await readFile(bundle)
    const key = await readFile(home.join('data.key'))
    for (const secret of [key, key.toString('hex'), key.toString('base64'), PASSPHRASE]) {
      expect(text.includes(secret)).toBe(false)
    }
    expect((await stat(bundle)).mode & 0o777).toBe(0o600)
    expect(await keys('backup', ['--out', bundle], KEY_FILE())).toMatchObject({ status: 8 })
    expect(await readFile(bundle)).toEqual(text)
    // Which of the two is lost then, nobody knows.
    await copyFile(home.join('passphrase'), home.join('store-passphrase'))
    const same = await keys('backup', ['--out', home.join('other')], SEALED())
    expect(same).toMatchObject({ status: 2, err: expect.stringContaining('another one') })
    await writeFile(home.join('passphrase'), 'short', { mode: 0o600 })
    expect(await keys('backup', ['--out', home.join('other')], KEY_FILE())).toMatchObject({
      ...{ status: 2, err: expect.stringContaining('must have at least 12 characters') },
    })
    const missing = await keys('restore', [home.join('no.bundle')], KEY_FILE())
    expect(missing).toMatchObject({ status: 4, err: `✕ ${home.join('no.bundle')} is not there  [ENOENT]\n` })
    const audit = await readFile(home.join('data/audit/audit-0000000001.jsonl'), 'utf8')
    expect(audit).toContain('"action":"store.keys-backup"')
  })

  it('says in a dry run what is in it and what it would do, and writes nothing', async () => {
    await filled(KEY_FILE())
    expect(await restoreKeys(KEY_FILE(), '--dry-run')).toMatchObject({
      status: 0,
      out: expect.stringMatching(/2 keys .* in 3 versions.*Nothing is missing/s),
    })
    await rm(home.join('data.key'))
    await rename(home.join('data/kms'), home.join('kms'))
    const before = (await readdir(home.path, { recursive: true })).sort()
    const { status, out } = await restoreKeys(KEY_FILE(), '--dry-run')
    expect({ status, out }).toEqual({
      status: 0,
      out: expect.stringMatching(/would do: write the instance key.*kms/s),
    })
    const after = (await readdir(home.path, { recursive: true })).sort()
    expect(after).toEqual(before)
  })

  it('is refused with another passphrase, when it was changed, of a later Coffer, and for another store', async () => {
    await filled(KEY_FILE())
    const text = await readFile(bundle, 'utf8')
    const attempt = async (changed: string) => {
      await writeFile(bundle, changed)
      const { status, err } = await restoreKeys(KEY_FILE(), '--dry-run')
      return `${status} ${/\[(\w+)\]/.exec(err)?.[1]}`
    }
    const flipped = (name: string) =>
      text.replace(new RegExp(`("${name}":"[^"]{9})(.)`), (_, a, b) => a + (b === '1' ? '2' : '1'))
    for (const name of ['sealed', 'instanceKeyId', 'createdAt', 'salt']) {
      expect(flipped(name)).not.toBe(text)
      expect(await attempt(flipped(name)), name).toMatch(/^1 KeyBundle(Wrong|Invalid)$/)
    }
    expect(await attempt(text.slice(0, -40))).toBe('1 KeyBundleInvalid')
    await writeFile(bundle, text.replace('coffer-keys-1', 'coffer-keys-2'))
    expect((await restoreKeys(KEY_FILE())).err).toContain('of a later Coffer')
    await writeFile(bundle, text)
    await writeFile(home.join('passphrase'), 'not the passphrase of it', { mode: 0o600 })
    expect(await restoreKeys(KEY_FILE())).toMatchObject({ status: 1, err: expect.stringContaining('KeyBundleWrong') })
    await writeFile(home.join('passphrase'), PASSPHRASE)
    await writeFile(home.join('data.key'), contentBytes('another', 32))
    const other = await restoreKeys(KEY_FILE())
    expect(other).toMatchObject({ status: 8, err: expect.stringContaining('not written over') })
  })
})

describe('what is lost comes back', () => {
  it('the key file, from the bundle', async () => {
    await filled(KEY_FILE())
    await rm(home.join('data.key'))
    await expect(start(KEY_FILE())).rejects.toThrow('InstanceKeyMissing')
    expect(await restoreKeys(KEY_FILE())).toMatchObject({ status: 0, err: '' })
    expect((await stat(home.join('data.key'))).mode & 0o777).toBe(0o600)
    await expectReadable(KEY_FILE())
  })

  it('the store of keys, from the bundle, beside all else as it is', async () => {
    await filled(KEY_FILE())
    await rm(home.join('data/kms'), { recursive: true })
    await rm(home.join('data/kms.witness'))
    await expect(start(KEY_FILE())).rejects.toThrow('StoreIncomplete')
    expect(await restoreKeys(KEY_FILE())).toMatchObject({ status: 0, err: '' })
    await expectReadable(KEY_FILE())
    expect(await readFile(home.join('data/audit/audit-0000000001.jsonl'), 'utf8')).toContain(
      '"action":"store.restored"',
    )
  })

  it('a store whose passphrase nobody knows, with a key file from then on', async () => {
    await filled(SEALED())
    const settings = { COFFER_DATA_DIR: home.join('data') }
    const backUp = (key: Record<string, string>) =>
      commandFor(key)(['backup', 'create', home.join('repository')], { ...settings, ...key })
    expect(await backUp(SEALED())).toMatchObject({ status: 0 })
    await writeFile(home.join('store-passphrase'), 'what somebody thinks that it was', { mode: 0o600 })
    await expect(start(SEALED())).rejects.toThrow('InstanceKeyWrong')
    expect(await restoreKeys({}, '--replace-passphrase')).toMatchObject({ status: 0, err: '' })
    await access(home.join('data/instance-key.json.old'))
    await expectReadable(KEY_FILE())
    // And so is the next backup, beside one that takes the passphrase.
    expect(await backUp(KEY_FILE())).toMatchObject({ status: 0 })
    const restored = await ownCommand(['restore', home.join('repository')], {
      COFFER_DATA_DIR: home.join('new'),
      ...KEY_FILE(),
    })
    expect(restored).toMatchObject({ status: 0 })
    await expectReadable(KEY_FILE(), 'new')
  })

  it('everything, from a backup and the bundle; and nothing from the backup without it', async () => {
    await filled(KEY_FILE())
    const settings = { COFFER_DATA_DIR: home.join('data'), ...KEY_FILE() }
    expect(await ownCommand(['backup', 'create', home.join('repository')], settings)).toMatchObject({ status: 0 })
    await rm(home.join('data'), { recursive: true })
    await rm(home.join('data.key'))
    const restore = () => ownCommand(['restore', home.join('repository')], settings)
    expect(await restore()).toMatchObject({ status: 12, err: expect.stringContaining('InstanceKeyMissing') })
    expect(await restoreKeys(KEY_FILE())).toMatchObject({ status: 0, err: '' })
    expect(await restore()).toMatchObject({ status: 0 })
    await expectReadable(KEY_FILE())
  })
})
