import { setTimeout as pause } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { contentBytes } from '../support/content.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const CLIENTS = 32
const ROUNDS = Number(process.env['COFFER_ROTATE_ROUNDS'] ?? '4')
const SIZES = [0, 1, 5000, 70_000, 400_000]
const BUCKET = 'rotated'

let home: TemporaryDirectory
let server: ServerProcess
let keys: KeyOwner
let key: { readonly id: string; readonly crn: string }
beforeAll(async () => {
  home = await temporaryDirectory()
  server = await startServerProcess({
    dataDir: home.join('data'),
    bootstrapFile: await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount]),
    settings: { COFFER_KMS_ENABLE_DELAY_MS: '0', COFFER_KMS_ROTATE_INTERVAL_MS: '0', COFFER_LOG_LEVEL: 'warn' },
  })
  keys = await keyOwner(server.controlUrl)
  key = await keys.newKey('rotated')
  await makeBucket(s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user }), BUCKET, key.crn)
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await home[Symbol.asyncDispose]()
})

/** Between the request to disable the key and the answer to the one that enables it. */
let disabled = false
/** Counts the times that it has been so, to tell what ran into one. */
let times = 0

interface Tally {
  done: number
  refused: number
}

/** One client: its own keys, each with the contents that was acknowledged last. */
async function client(number: number, tally: Tally, until: () => boolean): Promise<void> {
  const s3 = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  const known = new Map<string, string>()
  const inDoubt = new Set<string>()
  const bytesOf = (seed: string) => contentBytes(seed, SIZES[seed.length % SIZES.length] ?? 0)

  const put = async (name: string, seed: string): Promise<void> => {
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: name, Body: bytesOf(seed) }))
  }
  const copy = async (name: string, from: string): Promise<void> => {
    await s3.send(new CopyObjectCommand({ Bucket: BUCKET, Key: name, CopySource: `${BUCKET}/${from}` }))
  }
  const upload = async (name: string, seed: string): Promise<void> => {
    const target = { Bucket: BUCKET, Key: name }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target))
    const part = { ...target, UploadId, PartNumber: 1, Body: bytesOf(seed) }
    const { ETag } = await s3.send(new UploadPartCommand(part))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }))
  }
  const check = async (name: string): Promise<void> => {
    const wanted = known.get(name)
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: name }))
    const bytes = Buffer.from((await Body?.transformToByteArray()) ?? [])
    if (wanted !== undefined) expect(bytes.equals(bytesOf(wanted)), `${name} came back changed`).toBe(true)
  }

  for (let n = 0; !until(); n++) {
    const name = `${number}/${n % 7}`
    const seed = `${number}.${n}${'x'.repeat(n % SIZES.length)}`
    const [from] = known.keys()
    const from1 = n % 4 === 2 && from !== name && from !== undefined && !inDoubt.has(from) ? from : undefined
    const before = times
    const couldBeDisabled = disabled
    const write = async (): Promise<void> => {
      inDoubt.add(name)
      if (from1 !== undefined) await copy(name, from1)
      else if (n % 4 === 3) await upload(name, seed)
      else await put(name, seed)
      known.set(name, from1 === undefined ? seed : (known.get(from1) ?? seed))
      inDoubt.delete(name)
    }
    try {
      await write()
      await check(name)
      tally.done++
    } catch (error) {
      if (!(couldBeDisabled || disabled || times !== before)) throw error
      refusal(error)
      // What was refused may have been stored: nobody knows, so it is written anew before it is compared again.
      if (inDoubt.has(name)) known.delete(name)
      tally.refused++
      await pause(20)
    }
  }
  for (const name of known.keys()) await check(name)
  s3.destroy()
}

/** While the key is disabled: 4xx, or a download that was running is reset. */
function refusal(error: unknown): void {
  if (error instanceof S3ServiceException && error.$metadata.httpStatusCode !== undefined) {
    const status = error.$metadata.httpStatusCode
    expect([status >= 400 && status < 500, error.name]).toEqual([true, expect.stringMatching(/^KMS\.|^NoSuchKey$/)])
    return
  }
  expect(String(error)).toMatch(/aborted|ECONNRESET|socket hang up|terminated/i)
}

describe('a root key that is rotated, disabled and enabled under load', () => {
  it('gives no wrong byte, and refuses only while it is disabled', async () => {
    const tally: Tally = { done: 0, refused: 0 }
    let over = false
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n, tally, () => over)))
    clients.catch(() => {
      over = true
    })
    const reached = async (more: number): Promise<void> => {
      for (const wanted = tally.done + more; tally.done < wanted && !over; ) await pause(20)
    }
    for (let round = 0; round < ROUNDS && !over; round++) {
      await reached(CLIENTS)
      await keys.act(key.id, 'rotate')
      await reached(CLIENTS)
      const refused = tally.refused
      disabled = true
      times++
      await keys.act(key.id, 'disable')
      for (; tally.refused < refused + CLIENTS && !over; ) await pause(20)
      await keys.act(key.id, 'enable')
      disabled = false
      await reached(CLIENTS)
      await keys.act(key.id, 'rotate')
    }
    over = true
    await clients
    expect(tally.done).toBeGreaterThan(ROUNDS * CLIENTS)
    expect(tally.refused).toBeGreaterThanOrEqual(ROUNDS * CLIENTS)
  }, 300_000)
})
