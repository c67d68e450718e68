import { setTimeout as wait } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { keyOwner } from '../support/keys.ts'
import { sendRaw } from '../support/raw-s3.ts'
import { s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const OBJECTS = 400
const KILLS = 4

const clientOf = ({ s3Url }: ServerProcess) => s3ClientFor({ s3Url, ...mainAccount.user })

describe.each([false, true])('a server that is killed while it rewraps (bucket key: %s)', (bucketKey) => {
  it('goes on where it was, and loses nothing', { timeout: 240_000 }, async () => {
    await using home = await temporaryDirectory()
    const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
    const start = (perSecond: string): Promise<ServerProcess> =>
      startServerProcess({
        ...{ dataDir: home.join('data'), bootstrapFile },
        settings: {
          COFFER_REWRAP_PER_SECOND: perSecond,
          COFFER_LOG_LEVEL: 'warn',
          COFFER_KMS_ROTATE_INTERVAL_MS: '0',
        },
      })
    let server = await start('100')
    try {
      let keys = await keyOwner(server.controlUrl)
      const [from, to] = [await keys.newKey('from'), await keys.newKey('to')]
      const headers = {
        'ibm-sse-kp-encryption-algorithm': 'AES256',
        'ibm-sse-kp-customer-root-key-crn': from.crn,
      }
      await sendRaw(server.s3Url, { method: 'PUT', path: '/moving', headers })
      let s3 = clientOf(server)
      const put = (at: number, text: string) =>
        s3.send(new PutObjectCommand({ Bucket: 'moving', Key: `k${at}`, Body: text }))
      const expected = new Map<string, string>()
      for (let at = 0; at < OBJECTS; at += 20) {
        await Promise.all(
          Array.from({ length: 20 }, async (_, more) => {
            await put(at + more, `body ${at + more}`)
            expected.set(`k${at + more}`, `body ${at + more}`)
          }),
        )
      }
      const created = await s3.send(new CreateMultipartUploadCommand({ Bucket: 'moving', Key: 'upload' }))
      const upload = { Bucket: 'moving', Key: 'upload', UploadId: created.UploadId, PartNumber: 1 }
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, Body: 'part' }))
      const before = await s3.send(new ListObjectsV2Command({ Bucket: 'moving' }))

      const wanted = { encryption: 'customer-managed', rootKeyCrn: to.crn, bucketKey }
      expect((await keys.call('PUT', '/admin/v1/buckets/moving/encryption', wanted)).status).toBe(202)
      const left = async (): Promise<number> => {
        const { json } = await keys.call('GET', `/admin/v1/keys/usage?crn=${encodeURIComponent(from.crn)}`)
        return json.versions[0]?.objects ?? 0
      }
      const seen: number[] = []
      for (let kill = 0; kill < KILLS; kill++) {
        const goal = OBJECTS - ((kill + 1) * OBJECTS) / (KILLS + 2)
        while ((await left()) > goal) await wait(20)
        seen.push(await left())
        await server.kill()
        server = await start(kill < KILLS - 1 ? '100' : '0')
        s3 = clientOf(server)
        keys = await keyOwner(server.controlUrl)
      }
      // Each time it was in the middle.
      expect(Math.min(...seen)).toBeGreaterThan(0)
      const jobs = async () => (await keys.call('GET', '/admin/v1/jobs')).json.jobs
      while ((await jobs())[0].state !== 'done') await wait(50)
      expect((await keys.call('POST', '/admin/v1/usage/recount')).json).toMatchObject({ exact: true })
      expect((await keys.call('DELETE', `/api/v2/keys/${from.id}`)).status).toBeLessThan(300)

      expect((await s3.send(new ListObjectsV2Command({ Bucket: 'moving' }))).Contents).toEqual(before.Contents)
      for (const [Key, text] of expected) {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'moving', Key }))
        expect(await Body?.transformToString()).toBe(text)
      }
      const Parts = [{ PartNumber: 1, ETag }]
      await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'moving', Key: 'upload' }))
      expect(await Body?.transformToString()).toBe('part')
    } finally {
      await server.kill()
    }
  })
})
