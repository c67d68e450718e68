import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { endedServer } from '../support/ended-server.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { flipped } from '../support/level-rows.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const KEYS = ['a', 'b', 'c'] as const
const contentOf = (key: string): Buffer => Buffer.alloc(key === 'c' ? 600_000 : 1000, key)

let home: TemporaryDirectory
/** As a power cut leaves it: copied while the server ran. */
let directory: string
let dataDir: string
beforeEach(async () => {
  home = await temporaryDirectory()
  directory = home.join('cut')
  dataDir = join(directory, 'data')
  const live = home.join('live')
  await mkdir(live)
  await using test = await startHouse({ directory: live })
  const s3 = test.client()
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  for (const key of KEYS) await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: key, Body: contentOf(key) }))
  await cp(live, directory, { recursive: true })
})
afterEach(() => home[Symbol.asyncDispose]())

const blobFiles = async (): Promise<string[]> =>
  (await readdir(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()

async function read(test: TestHouse, key: string): Promise<Buffer> {
  const { Body: body } = await test.client().send(new GetObjectCommand({ Bucket: 'bucket', Key: key }))
  return Buffer.from((await body?.transformToByteArray()) ?? [])
}

async function expectAllThere(): Promise<void> {
  await using test = await startHouse({ directory })
  await test.house.swept
  for (const key of KEYS) expect((await read(test, key)).equals(contentOf(key))).toBe(true)
}

async function expectRefusal(code: string, message: RegExp): Promise<void> {
  const before = await blobFiles()
  const error = { code, message: expect.stringMatching(message) }
  await expect(startHouse({ directory })).rejects.toMatchObject(error)
  // Nor is the second start taken in by what the first has left.
  await expect(startHouse({ directory })).rejects.toMatchObject(error)
  expect(await blobFiles()).toEqual(before)
}

describe('a data directory', () => {
  it.each(['metadata', 'kms', 'iam'])(
    'without %s/ is refused and not touched, and whole when it is restored',
    async (name) => {
      await rename(join(dataDir, name), home.join('away'))
      await expectRefusal('StoreIncomplete', new RegExp(`${name}/ is missing .*backup`))
      // A file system that is not mounted leaves its mount point, an empty one a directory for lost files.
      await mkdir(join(dataDir, name, 'lost+found'), { recursive: true })
      await expectRefusal('StoreIncomplete', new RegExp(`${name}/ is missing or empty`))
      await rm(join(dataDir, name), { recursive: true })
      await rename(home.join('away'), join(dataDir, name))
      await expectAllThere()
    },
  )

  it.each(['metadata', 'kms', 'iam'])(
    'whose %s/ has lost its CURRENT is refused and not touched, and whole when it is restored',
    async (name) => {
      const current = join(dataDir, name, 'CURRENT')
      await rename(current, home.join('away'))
      await expectRefusal('MetadataCorrupt', /CURRENT.*backup/)
      await rename(home.join('away'), current)
      await expectAllThere()
    },
  )

  it.each(['at once', 'after iam/', 'after kms/'])('whose first start was cut short %s is made', async (when) => {
    // What a first start makes is made in this order: the key, the stores' directories, the seal, iam, kms, metadata, blobs.
    await rm(join(dataDir, 'blobs'), { recursive: true })
    for (const name of ['metadata', 'kms', 'iam']) {
      if (when === 'after iam/' && name === 'iam') continue
      if (when === 'after kms/' && name !== 'metadata') continue
      await rm(join(dataDir, name), { recursive: true })
      await rm(join(dataDir, `${name}.witness`))
      await mkdir(join(dataDir, name))
    }
    for (const sealed of when === 'at once' ? [true, false] : [true]) {
      if (!sealed) {
        await rm(dataDir, { recursive: true })
        for (const name of ['metadata', 'iam']) await mkdir(join(dataDir, name), { recursive: true })
      }
      await using test = await startHouse({ directory })
      await test.client().send(new CreateBucketCommand({ Bucket: 'bucket' }))
      await test.client().send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a', Body: 'new' }))
      expect((await read(test, 'a')).toString()).toBe('new')
    }
  })
})

describe('a metadata log with a bit flipped in the middle', () => {
  const damage = async (): Promise<void> => {
    const store = join(dataDir, 'metadata')
    const log = join(store, (await readdir(store)).find((name) => name.endsWith('.log')) ?? '')
    const bytes = await readFile(log)
    await writeFile(log, flipped(bytes, Math.floor(bytes.length * 0.6)))
  }

  it('is refused, and the program says how to go on without what is lost', async () => {
    await damage()
    await expectRefusal('MetadataCorrupt', /metadata is damaged at byte \d+ of \d+\.log.*backup/)
    const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
    expect(await endedServer({ COFFER_DATA_DIR: dataDir, COFFER_BOOTSTRAP_FILE: bootstrapFile })).toEqual({
      exitCode: 1,
      output: expect.stringMatching(
        /^✕ the metadata store .* is damaged .*COFFER_ACCEPT_METADATA_LOSS=true .*\[MetadataCorrupt\]\n$/,
      ),
    })
  })

  it('opens when the loss is accepted, and the bytes of what is lost stay', async () => {
    await damage()
    const before = await blobFiles()
    const settings = { COFFER_ACCEPT_METADATA_LOSS: 'true' }
    for (let start = 0; start < 2; start++) {
      await using test = await startHouse({ directory, settings })
      await test.house.swept
      await test.house.objects.garbage.settled()
      await test.client().send(new CreateBucketCommand({ Bucket: `other-${start}` }))
    }
    expect((await blobFiles()).filter((file) => before.includes(file)).map((file) => basename(file))).toEqual(
      before.map((file) => basename(file)),
    )
  })
})
