import { chmod, cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readPublicKeys } from '../../src/audit/keys.ts'
import { verifyLog } from '../../src/audit/verify.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { runCommand } from '../support/coffer-command.ts'
import { contentBytes } from '../support/content.ts'
import { FROZEN, FROZEN_FILES, startAgeless } from '../support/frozen.ts'
import { withRows } from '../support/level-rows.ts'
import { lasting, portraitOf } from '../support/portrait.ts'
import { s3ClientFor } from '../support/s3.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const RELEASES = await readdir(FROZEN)

let home: TemporaryDirectory
let settings: Record<string, string>
beforeEach(async () => {
  home = await temporaryDirectory()
  settings = { COFFER_DATA_DIR: home.join('data'), COFFER_INSTANCE_KEY_FILE: home.join('data.key') }
})
afterEach(() => home[Symbol.asyncDispose]())

async function copyOf(release: string): Promise<Record<string, unknown>> {
  const frozen = (name: string) => join(FROZEN, release, name)
  await cp(frozen(FROZEN_FILES.store), home.join('data'), { recursive: true })
  await cp(frozen(FROZEN_FILES.backup), home.join('backup'), { recursive: true })
  await cp(frozen(FROZEN_FILES.instanceKey), home.join('data.key'))
  await chmod(home.join('data.key'), 0o600)
  const portrait = JSON.parse(await readFile(frozen(FROZEN_FILES.portrait), 'utf8'))
  return { ...portrait, control: lasting(portrait.control) }
}

const started = () => startAgeless(home.join('data'), home.join('data.key'), home.path)

async function bytesOf(s3: S3Client, Bucket: string, Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

describe.each(RELEASES)('a data directory of release %s', (release) => {
  it('serves all that the release said of it, is verified, and takes what is new', async () => {
    const portrait = await copyOf(release)
    {
      await using server = await started()
      const s3 = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
      expect(await portraitOf(server)).toEqual(portrait)
      // What the portrait says of contents is a digest that the release has made.
      expect((await bytesOf(s3, 'plain', 'small')).equals(contentBytes('small', 100))).toBe(true)
      expect((await bytesOf(s3, 'customer', 'before-rotation')).equals(contentBytes('before-rotation', 3000))).toBe(
        true,
      )
      await s3.send(new PutObjectCommand({ Bucket: 'plain', Key: 'new', Body: 'new' }))
      expect((await bytesOf(s3, 'plain', 'new')).toString()).toBe('new')
      s3.destroy()
      await server.stop()
    }
    expect(await runCommand(['verify'], settings)).toMatchObject({ status: 0 })
    const { out } = await runCommand(['audit', 'public-key'], settings)
    const source = { type: 'directory', path: home.join('data/audit') } as const
    expect(await verifyLog({ source, keys: readPublicKeys(out) })).toMatchObject({ outcome: 'verified' })
  })

  it('is put back from a backup that the release has made, and a backup goes on from it', async () => {
    const portrait = await copyOf(release)
    settings = { ...settings, COFFER_DATA_DIR: home.join('new') }
    expect(await runCommand(['restore', home.join('backup')], settings)).toMatchObject({ status: 0 })
    await using server = await startAgeless(home.join('new'), home.join('data.key'), home.path)
    expect(await portraitOf(server)).toEqual(portrait)
    const next = await runCommand(['backup', 'create', home.join('backup'), '--json'], settings)
    expect(next).toMatchObject({ status: 0, err: '' })
    // Blobs that the release has copied are not copied again: the audit log is smaller than the largest of them.
    expect(JSON.parse(next.out).copiedBytes).toBeLessThan(250_000)
    expect(await runCommand(['backup', 'verify', home.join('backup'), '--all'], settings)).toMatchObject({ status: 0 })
  })
})

describe('a data directory of a later release', () => {
  const [newest = ''] = RELEASES.toReversed()
  const replaced = async (file: string, from: string, to: string): Promise<void> => {
    const text = await readFile(home.join('data', file), 'latin1')
    expect(text).toContain(from)
    await writeFile(home.join('data', file), text.replace(from, to), 'latin1')
  }

  it.each([
    ['the seal file', () => replaced('instance-key.json', '"v":1', '"v":2')],
    ['a witness', () => replaced('metadata.witness', '"v":1', '"v":2')],
    ['a metadata store', () => setFormat('metadata')],
    ['the store of identities', () => setFormat('iam')],
    ['the store of keys', () => setFormat('kms')],
    ['the audit log', () => replaced('audit/audit-0000000001.jsonl', '"format":"CAL1"', '"format":"CAL2"')],
  ])('is refused with clear words where it is %s that is later, and stays as it is', async (_, change) => {
    await copyOf(newest)
    await change()
    const before = await contentOf(home.join('data'))
    await expect(started()).rejects.toThrow(/a later Coffer/)
    const after = await contentOf(home.join('data'))
    const blobs = [...before.keys()].filter((name) => name.startsWith('blobs/'))
    expect(blobs.length).toBeGreaterThan(2)
    // A start takes note of itself in what it can read before it comes to what it cannot.
    for (const name of ['instance-key.json', 'metadata.witness', ...blobs]) {
      expect(after.get(name)?.equals(before.get(name) ?? Buffer.alloc(0)), name).toBe(true)
    }
  })

  const setFormat = (store: string): Promise<void> =>
    withRows(home.join('data', store), ({ put }) => put(Buffer.from([0xff, 0x66]), Buffer.from('coffer-metadata-2')))
})

async function contentOf(directory: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name))
  return new Map(
    await Promise.all(paths.map(async (path) => [relative(directory, path), await readFile(path)] as const)),
  )
}
