import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { expect, it, onTestFinished, vi } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { contentBytes } from '../support/content.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { otherAccount } from '../support/other-account.ts'
import { blobsAddedBy, flipAt } from '../support/stored-blobs.ts'

const settings = { COFFER_SCRUB_MIB_PER_SECOND: '0' }

async function scrubbed({ house }: TestHouse) {
  house.objects.scrub.begin()
  await house.objects.scrub.settled()
  return house.objects.scrub
}

it('damage shows in health, metrics and the admin API, to those who may see it, until it is gone', async () => {
  await using test = await startHouse({ accounts: [mainAccount, otherAccount], settings })
  const [owner, stranger] = [
    await keyOwner(test.objectsControlUrl),
    await keyOwner(test.objectsControlUrl, otherAccount),
  ]
  const s3 = test.client()
  await s3.send(new CreateBucketCommand({ Bucket: 'mine' }))
  await test.client(otherAccount).send(new CreateBucketCommand({ Bucket: 'other' }))
  const [place] = await blobsAddedBy(test, () =>
    s3.send(new PutObjectCommand({ Bucket: 'mine', Key: 'key', Body: contentBytes('key', 500_000) })),
  )
  if (!place) throw new Error('nothing was stored')
  const ready = async () => (await fetch(`${test.objectsControlUrl}/health/ready`)).text()
  const metrics = async () => (await fetch(`${test.objectsControlUrl}/metrics`)).text()
  await scrubbed(test)
  expect(await ready()).not.toContain('scrub')
  await flipAt(place, 1000)
  await scrubbed(test)
  expect(await ready()).toContain('damage that the scrub found, see GET /admin/v1/scrub/findings: 1')
  expect(await metrics()).toContain('coffer_scrub_findings{kind="content-damaged"} 1')
  const { json } = await owner.call('GET', '/admin/v1/scrub/findings')
  expect(json.findings).toMatchObject(
    [{ kind: 'content-damaged', bucket: 'mine', key: 'key', advice: /restore/ }].map((finding) => ({
      ...finding,
      advice: expect.stringMatching(finding.advice),
    })),
  )
  expect((await stranger.call('GET', '/admin/v1/scrub/findings')).json).toEqual({ findings: [] })
  // Each manages only its own.
  expect((await owner.call('GET', '/admin/v1/scrub')).status).toBe(403)
  expect((await stranger.call('POST', '/admin/v1/scrub')).status).toBe(403)
  await s3.send(new DeleteObjectCommand({ Bucket: 'mine', Key: 'key' }))
  await scrubbed(test)
  expect(await ready()).not.toContain('scrub')
  expect(await metrics()).not.toContain('coffer_scrub_findings{')
})

it('is begun and watched by a Manager of all buckets', async () => {
  await using test = await startHouse({ settings })
  const owner = await keyOwner(test.objectsControlUrl)
  await test.client().send(new CreateBucketCommand({ Bucket: 'mine' }))
  await test.client().send(new PutObjectCommand({ Bucket: 'mine', Key: 'key', Body: 'text' }))
  expect((await owner.call('GET', '/admin/v1/scrub')).json.scrub).toMatchObject({ state: 'idle', look: 0, findings: 0 })
  expect((await owner.call('POST', '/admin/v1/scrub')).status).toBe(202)
  await test.house.objects.scrub.settled()
  const { scrub } = (await owner.call('GET', '/admin/v1/scrub')).json
  expect(scrub).toMatchObject({ state: 'idle', look: 1, objects: 1, bytes: 4, notOpenable: {}, findings: 0 })
  expect(Date.parse(scrub.dueAt) - Date.parse(scrub.finishedAt)).toBe(14 * 86_400_000)
})

it('of a store without buckets is for who decides about what all accounts share, and for nobody else', async () => {
  await using test = await startHouse({ accounts: [mainAccount, otherAccount], settings })
  const asked = async (account: typeof mainAccount): Promise<unknown[]> => {
    const { call } = await keyOwner(test.objectsControlUrl, account)
    const calls = [
      ['GET', 'scrub'],
      ['POST', 'scrub'],
      ['POST', 'usage/recount'],
    ] as const
    return Promise.all(calls.map(async ([method, what]) => (await call(method, `/admin/v1/${what}`)).status))
  }
  expect(await asked(mainAccount)).toEqual([200, 202, 200])
  expect(await asked(otherAccount)).toEqual([403, 403, 403])
  const { call } = await keyOwner(test.objectsControlUrl)
  expect((await call('GET', '/admin/v1/overview')).json).toMatchObject({ scrub: { findings: 0, notKept: 0 } })
})

it('finds nothing wrong in a busy store', async () => {
  // Otherwise it would wait for the load.
  const spy = vi.spyOn(performance, 'eventLoopUtilization').mockReturnValue({ utilization: 0, idle: 1, active: 0 })
  onTestFinished(() => spy.mockRestore())
  await using test = await startHouse({ settings: { ...settings, COFFER_REWRAP_PER_SECOND: '0' } })
  const s3 = test.client()
  const owner = await keyOwner(test.controlUrl)
  for (const Bucket of ['plain', 'versioned']) await s3.send(new CreateBucketCommand({ Bucket }))
  const VersioningConfiguration = { Status: 'Enabled' as const }
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration }))
  let going = true
  onTestFinished(() => {
    going = false
  })
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8]
  let acts = 0
  const work = async (seed: number): Promise<void> => {
    for (let turn = 0; going; turn++) {
      const Bucket = turn % 2 === 0 ? 'plain' : 'versioned'
      const Key = `k${(seed * 7 + turn * 3) % 40}`
      const at = { Bucket, Key }
      const Body = contentBytes(`${seed} ${turn}`, turn % 5 === 0 ? 400_000 : 900)
      const act = (seed + turn) % 7
      try {
        if (act < 3) await s3.send(new PutObjectCommand({ ...at, Body }))
        else if (act === 3) await s3.send(new DeleteObjectCommand(at))
        else if (act === 4)
          await s3.send(new CopyObjectCommand({ ...at, Key: `${Key}c`, CopySource: `${Bucket}/${Key}` }))
        else if (act === 5) {
          await s3.send(
            new PutObjectTaggingCommand({ ...at, Tagging: { TagSet: [{ Key: 'a', Value: String(turn) }] } }),
          )
        } else {
          const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at))
          const part = { ...at, UploadId, PartNumber: 1 }
          await s3.send(new UploadPartCommand({ ...part, Body: 'replaced' }))
          const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body }))
          const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
          if (turn % 3 === 0) await s3.send(new AbortMultipartUploadCommand({ ...at, UploadId }))
          else await s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload }))
        }
      } catch (error) {
        if (!(error instanceof Error && /NoSuchKey|NotFound/.test(error.name))) throw error
      }
      acts++
    }
  }
  const working = Promise.all(seeds.map(work))
  const rewraps = async (): Promise<void> => {
    while (going) {
      await owner.call('POST', '/admin/v1/buckets/plain/rewrap')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  const rewrapping = rewraps()
  let looked = 0
  for (let pass = 0; pass < 3; pass++) {
    const scrub = await scrubbed(test)
    looked += scrub.status().counts.objects
    expect(scrub.findings()).toEqual([])
  }
  going = false
  await working
  await rewrapping
  expect(Math.min(acts, looked)).toBeGreaterThan(10)
}, 60_000)

it('finds what has rotted in a table of a metadata store while the server runs', async () => {
  const first = await startHouse({ settings })
  onTestFinished(() => rm(first.directory, { recursive: true }))
  await first.client().send(new CreateBucketCommand({ Bucket: 'mine' }))
  await first.client().send(new PutObjectCommand({ Bucket: 'mine', Key: 'key', Body: 'text' }))
  await first.stop()
  // A start writes the log to a table.
  await using test = await startHouse({ directory: first.directory, settings })
  const tables = (await readdir(join(test.dataDir, 'metadata'))).filter((name) => name.endsWith('.ldb'))
  expect(tables).not.toEqual([])
  expect((await scrubbed(test)).findings()).toEqual([])
  const file = `metadata/${tables[0]}`
  await flipAt({ path: join(test.dataDir, file), start: 0 }, 20)
  const scrub = await scrubbed(test)
  expect(scrub.findings()).toMatchObject([{ kind: 'table-damaged', file, offset: 0 }])
  const metrics = await (await fetch(`${test.objectsControlUrl}/metrics`)).text()
  expect(metrics).toContain('coffer_scrub_findings{kind="table-damaged"} 1')
  expect(metrics).toMatch(/coffer_scrub_read_bytes_total\{of="tables"\} [1-9]/)
  expect(await (await fetch(`${test.objectsControlUrl}/health/ready`)).text()).toContain('damage that the scrub found')
  const { json } = await (await keyOwner(test.objectsControlUrl)).call('GET', '/admin/v1/scrub/findings')
  expect(json.findings).toMatchObject([{ file, advice: expect.stringContaining('restore') }])
})
