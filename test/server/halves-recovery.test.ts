import { rm } from 'node:fs/promises'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { complaints, runCommand } from '../support/coffer-command.ts'
import { contentBytes } from '../support/content.ts'
import { createRootKey } from '../support/control-api.ts'
import { type KeysHalf, startKeysHalf } from '../support/keys-half.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

/** Small ones share a pack, and a large one has a file of its own. */
const SIZES = { small: 900, other: 5000, large: 300_000 } as const
const BUCKETS = ['under-a-key', 'managed'] as const

let home: TemporaryDirectory
let keys: KeysHalf
let objects: ServerProcess
let s3: S3Client
beforeAll(async () => {
  home = await temporaryDirectory()
  keys = await startKeysHalf({ directory: home.path })
  await startObjects()
  const { crn } = await createRootKey(keys.server.controlUrl, 'of a bucket')
  await makeBucket(s3, 'under-a-key', crn)
  await makeBucket(s3, 'managed')
  for (const Bucket of BUCKETS) {
    for (const [Key, bytes] of Object.entries(SIZES))
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: contentBytes(Key, bytes) }))
  }
})
afterAll(async () => {
  s3.destroy()
  await objects[Symbol.asyncDispose]()
  await keys[Symbol.asyncDispose]()
  await home[Symbol.asyncDispose]()
})

async function startObjects(): Promise<void> {
  objects = await startServerProcess({
    dataDir: home.join('objects'),
    bootstrapFile: await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount]),
    settings: { ...keys.settings, COFFER_LOG_LEVEL: 'warn' },
  })
  s3?.destroy()
  s3 = s3ClientFor({ s3Url: objects.s3Url, ...mainAccount.user })
}
const settingsOf = (name: 'objects' | 'keys-data', from = name as string) => ({
  ...(name === 'objects' ? keys.settings : { COFFER_ONLY: 'kms' }),
  COFFER_DATA_DIR: home.join(from),
  COFFER_INSTANCE_KEY_FILE: home.join(`${name}.key`),
})
async function done(args: readonly string[], settings: Readonly<Record<string, string>>): Promise<string> {
  const { status, out, err } = await runCommand(args, settings)
  expect([args[0], status, complaints(err)]).toEqual([args[0], 0, ''])
  return out
}
async function allIsThere(): Promise<void> {
  for (const Bucket of BUCKETS) {
    for (const [Key, bytes] of Object.entries(SIZES)) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
      const got = Buffer.from((await Body?.transformToByteArray()) ?? [])
      expect([Bucket, Key, got.equals(contentBytes(Key, bytes))]).toEqual([Bucket, Key, true])
    }
  }
}

/** Both halves stopped, one after the other, and their directories in the place of which `remake` has put others. */
async function remade(remake: (name: 'objects' | 'keys-data') => Promise<void>): Promise<void> {
  await objects.stop()
  await keys.restart(async () => {
    for (const name of ['objects', 'keys-data'] as const) await remake(name)
  })
  await startObjects()
}

describe('The halves of a split server', { timeout: 240_000 }, () => {
  it('are backed up and restored each by itself, the objects first', async () => {
    const backups = { objects: home.join('backup of objects'), 'keys-data': home.join('backup of keys') }
    for (const name of ['objects', 'keys-data'] as const) {
      const { missing } = JSON.parse(await done(['backup', 'create', backups[name], '--json'], settingsOf(name)))
      expect(missing).toEqual([])
      expect(await done(['backup', 'verify', backups[name]], settingsOf(name))).toContain('is whole')
    }
    await s3.send(new PutObjectCommand({ Bucket: 'managed', Key: 'later', Body: 'later' }))
    await remade(async (name) => {
      await rm(home.join(name), { recursive: true })
      await done(['restore', backups[name]], settingsOf(name))
    })
    await allIsThere()
    const later = s3.send(new GetObjectCommand({ Bucket: 'managed', Key: 'later' }))
    await expect(later).rejects.toMatchObject({ name: 'NoSuchKey' })
    // And both go on.
    await makeBucket(s3, 'new', (await createRootKey(keys.server.controlUrl, 'new')).crn)
  })

  it('are verified each by itself, the objects with the keys that serve', async () => {
    await objects.stop()
    expect(await done(['verify', '--json'], settingsOf('objects'))).toMatch(/"findings":0/)
    await keys.restart(async () => {
      expect(await done(['verify', '--json'], settingsOf('keys-data'))).toMatch(/"findings":0/)
    })
    await startObjects()
    await allIsThere()
  })

  it('are salvaged each by itself', async () => {
    await remade(async (name) => {
      const out = await done(['salvage', `--to=${home.join('salvaged', name)}`, '--json'], settingsOf(name))
      expect(JSON.parse(out.trim().split('\n').at(-1) ?? '')).toMatchObject({ findings: 0, losses: 0 })
      await rm(home.join(name), { recursive: true })
      await done(['salvage', `--to=${home.join(name)}`], settingsOf(name, `salvaged/${name}`))
    })
    await allIsThere()
  })
})
