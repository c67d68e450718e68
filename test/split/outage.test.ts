import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { type CuttableLink, cuttableLink } from '../support/cuttable-link.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { type KeysHalf, startKeysHalf } from '../support/keys-half.ts'
import { refusal } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'
import { keysOf, makeBucket, s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, type ServerProcessOptions, startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const BUCKETS = ['managed', 'customers'] as const
/** A yes of the key service counts for two seconds. */
const PERMIT_MS = 2100
const HEAL_MS = 10_000

let home: TemporaryDirectory
let half: KeysHalf
let link: CuttableLink
let store: ServerProcess
let storeOptions: ServerProcessOptions
let s3: S3Client
let keys: KeyOwner
beforeAll(async () => {
  home = await temporaryDirectory()
  half = await startKeysHalf({
    directory: home.path,
    via: async (url) => {
      link = await cuttableLink(url)
      return link.url
    },
  })
  storeOptions = {
    dataDir: home.join('store'),
    bootstrapFile: await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount]),
    settings: { ...half.settings, COFFER_LOG_LEVEL: 'info' },
  }
  store = await startServerProcess(storeOptions)
  s3 = s3ClientFor({ s3Url: store.s3Url, ...mainAccount.user })
  keys = await keyOwner(half.server.controlUrl)
  const { crn } = await keys.newKey('of a bucket')
  await makeBucket(s3, 'managed')
  await makeBucket(s3, 'customers', crn)
})
afterAll(async () => {
  for (const one of [store, half, link, home]) await one[Symbol.asyncDispose]()
})

const text = async (Bucket: string, Key: string) =>
  (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()
const put = (Bucket: string, Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body }))
const health = async () => {
  const reply = await fetch(`${store.controlUrl}/health/ready`)
  return { status: reply.status, json: await reply.json() }
}

const OUTAGES = [
  {
    how: 'its process was killed',
    during: (act: () => Promise<void>) => half.restart(act),
  },
  {
    how: 'the network is cut',
    during: async (act: () => Promise<void>) => {
      link.cut()
      try {
        await act()
      } finally {
        link.mend()
      }
    },
  },
] as const

describe.each(OUTAGES)('While the key service does not answer because $how', ({ during, how }) => {
  it('S3 answers 503 and what needs no keys goes on; all is well again by itself', async () => {
    const stored = `before ${how}`
    const uploads = new Map<string, string | undefined>()
    for (const Bucket of BUCKETS) {
      await put(Bucket, 'stored', stored)
      await put(Bucket, 'doomed', stored)
      expect(await text(Bucket, 'stored')).toBe(stored)
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'upload' }))
      await s3.send(new UploadPartCommand({ Bucket, Key: 'upload', UploadId, PartNumber: 1, Body: 'part' }))
      uploads.set(Bucket, UploadId)
    }

    await during(async () => {
      await sleep(PERMIT_MS)
      for (const Bucket of BUCKETS) {
        const get = await sendRaw(store.s3Url, { method: 'GET', path: `/${Bucket}/stored` })
        expect([outcome(get), get.headers['retry-after']]).toEqual(['503 ServiceUnavailable', '2'])
        expect(await refusal(put(Bucket, 'stored', 'during'))).toBe('503 ServiceUnavailable')
        expect(await refusal(put(Bucket, 'new', 'during'))).toBe('503 ServiceUnavailable')
        const part = { Bucket, Key: 'upload', UploadId: uploads.get(Bucket), PartNumber: 2, Body: 'part' }
        expect(await refusal(s3.send(new UploadPartCommand(part)))).toBe('503 ServiceUnavailable')
        expect(await keysOf(s3, Bucket)).toEqual(['doomed', 'stored'])
        await s3.send(new DeleteObjectCommand({ Bucket, Key: 'doomed' }))
        await s3.send(new HeadBucketCommand({ Bucket }))
      }
      // Ready all the same, and it says what is wrong.
      const problems = [expect.stringMatching(/^key provider elsewhere: unreachable since /)]
      expect(await health()).toEqual({ status: 200, json: { status: 'degraded', problems } })
    })

    await expect.poll(() => health(), { timeout: HEAL_MS }).toEqual({ status: 200, json: { status: 'ok' } })
    for (const Bucket of BUCKETS) {
      expect(await text(Bucket, 'stored')).toBe(stored)
      expect(await keysOf(s3, Bucket)).toEqual(['stored'])
      await put(Bucket, 'stored', 'after')
      expect(await text(Bucket, 'stored')).toBe('after')
      const target = { Bucket, Key: 'upload', UploadId: uploads.get(Bucket) }
      const { ETag } = await s3.send(new UploadPartCommand({ ...target, PartNumber: 1, Body: 'part again' }))
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
      await s3.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload }))
      expect(await text(Bucket, 'upload')).toBe('part again')
      for (const Key of ['stored', 'upload']) await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    }
    expect(store.output()).toContain('key provider is unreachable')
    expect(store.output()).toContain('key provider is back')
  }, 60_000)
})

describe('A store that is killed', () => {
  it('starts without its key service, and serves what it had acknowledged as soon as that is there', async () => {
    for (const Bucket of BUCKETS) await put(Bucket, 'kept', `kept in ${Bucket}`)
    await half.restart(async () => {
      await store.kill()
      store = await startServerProcess({ ...storeOptions, s3Port: store.s3Port, controlPort: store.controlPort })
      for (const Bucket of BUCKETS) {
        expect(await keysOf(s3, Bucket)).toEqual(['kept'])
        expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key: 'kept' })))).toBe('503 ServiceUnavailable')
      }
    })
    for (const Bucket of BUCKETS) {
      await expect.poll(() => text(Bucket, 'kept').catch(String), { timeout: HEAL_MS }).toBe(`kept in ${Bucket}`)
      await s3.send(new DeleteObjectCommand({ Bucket, Key: 'kept' }))
    }
  }, 60_000)
})

describe('A bucket that is deleted while the key service does not answer', () => {
  it('is deregistered from its key later', async () => {
    const { id, crn } = await keys.newKey('left behind')
    await makeBucket(s3, 'left-behind', crn)
    expect(await keys.registrations(id)).toHaveLength(1)
    link.cut()
    const reply = await sendRaw(store.s3Url, { method: 'DELETE', path: '/left-behind' })
    link.mend()
    expect(reply.status).toBe(204)
    // Tried again with the next bucket of the key, or after a while.
    await expect
      .poll(() => refusal(makeBucket(s3, 'next-of-the-key', crn)), { timeout: HEAL_MS })
      .toMatch(/^200$|BucketAlreadyOwnedByYou/)
    await expect.poll(() => keys.registrations(id)).toEqual([expect.stringMatching(/:bucket:next-of-the-key$/)])
  }, 60_000)
})
