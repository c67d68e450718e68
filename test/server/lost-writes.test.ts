import { cp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { endedServer } from '../support/ended-server.ts'
import { startHouse } from '../support/house.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const STORES = ['iam', 'kms', 'metadata'] as const
const OBJECTS = 12
const BODY = Buffer.alloc(300_000, 'x')

let home: TemporaryDirectory
let dataDir: string
beforeEach(async () => {
  home = await temporaryDirectory()
  dataDir = home.join('data')
})
afterEach(() => home[Symbol.asyncDispose]())

/** A first start with administrator and keys of its own, a bucket and objects. */
async function filledServer() {
  const server = await startServerProcess({ dataDir })
  // What it prints and that it is ready come by ways of their own, in either order.
  await vi.waitFor(() => expect(server.output()).toMatch(/export AWS_SECRET_ACCESS_KEY=.*\n/), { timeout: 10_000 })
  const exported = (name: string): string => new RegExp(`export ${name}=(.*)$`, 'm').exec(server.output())?.[1] ?? ''
  const credentials = {
    accessKeyId: exported('AWS_ACCESS_KEY_ID'),
    secretAccessKey: exported('AWS_SECRET_ACCESS_KEY'),
  }
  const client = s3ClientFor({ s3Url: server.s3Url, ...credentials })
  await makeBucket(client, 'bucket')
  for (let n = 0; n < OBJECTS; n++) {
    await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: `key-${n}`, Body: BODY }))
  }
  return { server, client, credentials }
}

const logOf = async (store: string): Promise<string> =>
  join(dataDir, store, (await readdir(join(dataDir, store))).find((name) => name.endsWith('.log')) ?? '')

const witnessed = async (store: string): Promise<number> =>
  JSON.parse(await readFile(join(dataDir, `${store}.witness`), 'utf8')).sequence

const blobFiles = async (): Promise<string[]> =>
  (await readdir(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()

const LOST = (store: string) => new RegExp(`^the metadata store .*/data/${store} has lost .*: restore .* from a backup`)

async function expectRefusal(store: string): Promise<void> {
  const before = await blobFiles()
  const log = await readFile(await logOf(store))
  await expect(startHouse({ directory: home.path })).rejects.toMatchObject({
    code: 'MetadataCorrupt',
    message: expect.stringMatching(LOST(store)),
  })
  expect(await blobFiles()).toEqual(before)
  expect((await readFile(await logOf(store))).equals(log)).toBe(true)
}

/** Makes nobody a new administrator. */
async function expectProgramToRefuse(store: string): Promise<void> {
  const { exitCode, output } = await endedServer({ COFFER_DATA_DIR: dataDir })
  expect(exitCode).toBe(1)
  expect(output).toMatch(
    new RegExp(`^✕ the metadata store .*/data/${store} has lost .*backup.*COFFER_ACCEPT_METADATA_LOSS=true.*\\n$`),
  )
}

describe('after a clean stop', () => {
  it('no store opens whose log was emptied, zeroed or cut short, and all is there when it is back', async () => {
    const { server, credentials } = await filledServer()
    await server.stop()
    await cp(dataDir, home.join('copy'), { recursive: true })
    for (const store of STORES) {
      const log = await logOf(store)
      const whole = await readFile(log)
      for (const damaged of [
        Buffer.alloc(0),
        Buffer.alloc(whole.length),
        whole.subarray(0, -1),
        whole.subarray(0, Math.floor(whole.length * 0.3)),
      ]) {
        await writeFile(log, damaged)
        await expectRefusal(store)
      }
      await expectProgramToRefuse(store)
      await writeFile(log, whole)
    }
    // So is a copy of the directory.
    for (const copy of [dataDir, home.join('copy')]) {
      await using again = await startServerProcess({
        dataDir: copy,
        settings: { COFFER_INSTANCE_KEY_FILE: `${dataDir}.key` },
      })
      const client = s3ClientFor({ s3Url: again.s3Url, ...credentials })
      for (let n = 0; n < OBJECTS; n++) {
        const { Body: body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: `key-${n}` }))
        expect(BODY.equals((await body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true)
      }
      await again.stop()
    }
  }, 120_000)

  it('a metadata log that was cut short opens for who accepts it: the bytes of all objects stay', async () => {
    const { server, credentials } = await filledServer()
    await server.stop()
    const log = await logOf('metadata')
    await truncate(log, Math.floor((await stat(log)).size * 0.5))
    const before = await blobFiles()
    expect(before.length).toBeGreaterThanOrEqual(OBJECTS)
    await using again = await startServerProcess({ dataDir, settings: { COFFER_ACCEPT_METADATA_LOSS: 'true' } })
    expect(again.output()).toMatch(/METADATA IS LOST, and going on was asked for: .*lost its end/)
    const client = s3ClientFor({ s3Url: again.s3Url, ...credentials })
    await client.send(new CreateBucketCommand({ Bucket: 'other' }))
    await again.stop()
    expect(await blobFiles()).toEqual(expect.arrayContaining(before))
  }, 60_000)

  it('an administrator made anew, because that was accepted, is not said to have a new instance key', async () => {
    const { server } = await filledServer()
    await server.stop()
    await truncate(await logOf('iam'))
    const keyBefore = await readFile(`${dataDir}.key`)
    await using again = await startServerProcess({ dataDir, settings: { COFFER_ACCEPT_METADATA_LOSS: 'true' } })
    // Also the last line that could say so.
    await vi.waitFor(() => expect(again.output()).toMatch(/export AWS_SECRET_ACCESS_KEY=.*\n/), { timeout: 10_000 })
    expect(again.output()).not.toContain('instance key was made')
    expect((await readFile(`${dataDir}.key`)).equals(keyBefore)).toBe(true)
  }, 60_000)
})

it('after kill -9 no store opens with less than was noted beside it', async () => {
  const { server } = await filledServer()
  const notes = () => Promise.all(STORES.map(witnessed))
  // The notes follow what is written in the background, too, until there is nothing more.
  for (let last: readonly number[] = []; ; ) {
    await sleep(1500)
    const now = await notes()
    if (now.every((note, index) => note > 1 && note === last[index])) break
    last = now
  }
  await server.kill()
  for (const store of STORES) {
    const log = await logOf(store)
    const whole = await readFile(log)
    for (const damaged of [Buffer.alloc(0), Buffer.alloc(whole.length), whole.subarray(0, -1)]) {
      await writeFile(log, damaged)
      await expectRefusal(store)
    }
    await writeFile(log, whole)
  }
  await using again = await startServerProcess({ dataDir })
  await again.stop()
}, 60_000)

it('a first start that was killed anywhere is taken up again', async () => {
  for (const readyTimeoutMs of [0, 200, 400, 600, 800]) {
    await rm(dataDir, { recursive: true, force: true })
    await rm(`${dataDir}.key`, { force: true })
    await startServerProcess({ dataDir, readyTimeoutMs }).then(
      (early) => early.kill(),
      () => undefined,
    )
    await using again = await startHouse({ directory: home.path })
    await makeBucket(again.client(), 'bucket')
  }
}, 60_000)
