import { once } from 'node:events'
import { createServer, type IncomingMessage, request as requestHttp, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { join } from 'node:path'
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import type { Replica } from '../../src/objects/replication/target.ts'
import { s3Target } from '../../src/server/replication/s3-target.ts'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { sendRaw } from '../support/raw-s3.ts'
import { bytesOf, head, isDone, PATIENCE, replicate, rule, statusOf, versioned } from '../support/replication.ts'
import { emptyBucket, s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const { accessKeyId, secretAccessKey } = mainAccount.user
const DESTINATION = 'arn:coffer:s3::dr:replicas'
const settingsFor = (port: number, kind = 's3') => ({
  COFFER_S3_REPLICATION_TARGETS: `dr=http://127.0.0.1:${port}?kind=${kind}`,
  COFFER_S3_REPLICATION_CREDENTIALS: `dr=${accessKeyId}:${secretAccessKey}`,
})
const enable = (s3: S3Client, Bucket: string) =>
  s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
const tag = (s3: S3Client, Bucket: string, Key: string) =>
  s3.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }))

async function listening(server: Server | TcpServer) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      if ('closeAllConnections' in server) server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
const answering = (answer: (request: IncomingMessage, response: ServerResponse) => void) =>
  listening(createServer(answer))
/** Answers before it has read anything. */
const early = (status: number, body: string) =>
  answering((_, response) => response.writeHead(status, { connection: 'close' }).end(body))
const closing = (after: 'connect' | 'data') =>
  listening(
    createTcpServer((socket) => {
      socket.on('error', () => {})
      if (after === 'connect') socket.destroy()
      else socket.once('data', () => socket.destroy())
    }),
  )

describe('A process whose replication target fails', () => {
  it.each([
    ['is not there', async () => ({ port: 1, [Symbol.asyncDispose]: async () => {} })],
    ['closes every connection', () => closing('connect')],
    ['closes in the middle of requests', () => closing('data')],
    ['is busy before it has read anything', () => early(503, 'busy')],
    ['refuses before it has read anything', () => early(403, '<Error><Code>AccessDenied</Code></Error>')],
  ])(
    'runs on where it %s',
    async (_, start) => {
      await using target = await start()
      await using directory = await temporaryDirectory()
      const bootstrapFile = await writeBootstrapFile(join(directory.path, 'bootstrap.json'), [mainAccount])
      const dataDir = join(directory.path, 'data')
      await using server = await startServerProcess({ dataDir, bootstrapFile, settings: settingsFor(target.port) })
      const s3 = s3ClientFor({ s3Url: server.s3Url, accessKeyId, secretAccessKey })
      await versioned(s3, 'source')
      await replicate(s3, 'source', rule(DESTINATION))
      for (const [Key, bytes] of Object.entries({ small: 1, middle: 200_000, large: 12_000_000 })) {
        await s3.send(new PutObjectCommand({ Bucket: 'source', Key, Body: Buffer.alloc(bytes, 1) }))
      }
      const refusals = () => server.output().split('does not take all that it is told').length - 1
      await expect.poll(() => !server.running() || refusals() >= 2, PATIENCE).toBe(true)
      expect(server.running()).toBe(true)
      expect(await bytesOf(s3, 'source', 'large')).toHaveLength(12_000_000)
    },
    60_000,
  )
})

describe('A replication target', () => {
  const BYTES = Buffer.from('content')
  const open = { reading: 0 }
  const replica: Replica = {
    ...{ key: 'key', versionId: 'v', modifiedAtMs: 0, tags: [], lock: undefined, storageClass: undefined },
    ...{ algorithm: 'AES256', account: mainAccount.id },
    manifest: {
      ...{ headers: {}, userMetadata: {}, sizeBytes: BYTES.length, etag: '9a0364b9e99bb480dd25e1f0284c8555' },
      parts: [{ number: 0, sizeBytes: BYTES.length, salt: Buffer.alloc(0), etag: '' }],
    } as unknown as Replica['manifest'],
    sealed: () => Promise.reject(new Error('not asked for')),
    read: async function* () {
      open.reading++
      try {
        yield BYTES
      } finally {
        open.reading--
      }
    },
  }
  const limits = { connectMs: 500, idleMs: 300, answerMs: 3000, bytesPerSecond: 1e9 }
  const putTo = (port: number, sent = replica) => {
    const declared = { name: 'dr', region: 'us-east-1', kind: 's3', sealed: false, accounts: [] } as const
    const credentials = { accessKeyId, secretAccessKey: new Secret(secretAccessKey) }
    const target = s3Target({ ...declared, endpoint: `http://127.0.0.1:${port}` }, credentials, limits)
    const put = target.put(sent, { arn: '', bucket: 'replicas' }, new AbortController().signal)
    return put.catch((error: unknown) =>
      Promise.reject(new Error(`refusal: ${target.isRefusal(error)}`, { cause: error })),
    )
  }

  it('that never answers is given up', async () => {
    await using target = await answering((request) => request.resume())
    await expect(putTo(target.port)).rejects.toThrow('refusal: false')
    expect(open.reading).toBe(0)
  })

  it('that goes on for ever with little at a time is given up', async () => {
    await using target = await answering((request, response) => {
      request.resume()
      response.writeHead(200, { etag: '"x"' })
      const timer = setInterval(() => response.write(' '), 100)
      response.on('close', () => clearInterval(timer))
    })
    await expect(putTo(target.port)).rejects.toThrow('refusal: false')
  })

  it('that answers without an end is given up', async () => {
    let sentBytes = 0
    await using target = await answering((request, response) => {
      request.resume()
      response.writeHead(200, { etag: '"x"' })
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sentBytes += 65_536
      }
      response.on('drain', more)
      more()
    })
    await expect(putTo(target.port)).rejects.toThrow('refusal: false')
    expect(sentBytes).toBeLessThan(32 * 1024 * 1024)
  })

  it('that says 200 without an ETag, or 301, has taken nothing, and somebody has to see to it', async () => {
    const statuses = [200, 301]
    await using target = await answering((request, response) => {
      request.resume().on('end', () => response.writeHead(statuses.shift() ?? 500).end('<html>sign in</html>'))
    })
    await expect(putTo(target.port)).rejects.toThrow('refusal: true')
    await expect(putTo(target.port)).rejects.toThrow('refusal: true')
  })

  it('is told nothing more when what is sent cannot be read, and the reason is known', async () => {
    const damaged = new Error('damaged')
    const broken: Replica = {
      ...replica,
      lock: { legalHold: true },
      manifest: { ...replica.manifest, etag: 'none' },
      read: async function* () {
        yield BYTES.subarray(0, 2)
        throw damaged
      },
    }
    await using target = await answering((request) => request.resume())
    await expect(putTo(target.port, broken)).rejects.toMatchObject({ cause: damaged })
  })
})

describe('Replication through what lies between', () => {
  let there: ObjectHouse
  beforeEach(async () => {
    there = await startObjectHouse()
    await versioned(there.s3, 'replicas')
  })
  afterEach(() => there[Symbol.asyncDispose]())

  const replicating = async (port: number, kind: string) => {
    const test = await startObjectHouse({ settings: settingsFor(port, kind) })
    await enable(test.s3, test.bucket)
    await replicate(test.s3, test.bucket, rule(DESTINATION))
    return test
  }
  const portThere = () => Number(new URL(there.s3Url).port)

  it.each(['coffer', 's3'])('keeps metadata in any script, and the usual type (%s)', async (kind) => {
    await using test = await replicating(portThere(), kind)
    const utf8 = Buffer.from('日本', 'utf8').toString('latin1')
    await test.raw({ method: 'PUT', key: 'utf8', body: 'content', headers: { 'x-amz-meta-name': utf8 } })
    await test.raw({ method: 'PUT', key: 'latin1', body: 'content', headers: { 'x-amz-meta-name': 'caf\u00e9' } })
    for (const key of ['utf8', 'latin1']) await isDone(test.s3, test.bucket, key)
    const headersOf = async (key: string) =>
      (await sendRaw(there.s3Url, { method: 'HEAD', path: `/replicas/${key}` })).headers
    expect(await headersOf('utf8')).toMatchObject({ 'x-amz-meta-name': utf8, 'content-type': 'binary/octet-stream' })
    expect(await headersOf('latin1')).toMatchObject({ 'x-amz-meta-name': '=?UTF-8?B?Y2Fmw6k=?=' })
  })

  it.each(['coffer', 's3'])('says FAILED of a change where the bucket has gone (%s)', async (kind) => {
    await using test = await replicating(portThere(), kind)
    await test.put('key', 'x')
    await isDone(test.s3, test.bucket, 'key')
    await emptyBucket(there.s3, 'replicas')
    await there.s3.send(new DeleteBucketCommand({ Bucket: 'replicas' }))
    await tag(test.s3, test.bucket, 'key')
    await expect.poll(() => statusOf(test.s3, test.bucket, 'key'), PATIENCE).toBe('FAILED')
  })

  it('does not say COMPLETED while a change waits', async () => {
    const held: (() => void)[] = []
    const state = { hold: true, refuseTags: true, refused: 0 }
    await using proxy = await answering((request, response) => {
      const { method, url = '', headers } = request
      if (state.refuseTags && url.includes('tagging')) {
        state.refused++
        request.resume()
        response.writeHead(503).end()
        return
      }
      const pass = () => {
        const outgoing = requestHttp({ host: '127.0.0.1', port: portThere(), method, path: url, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers)
          answer.pipe(response)
        })
        request.pipe(outgoing)
      }
      if (state.hold && method === 'PUT') held.push(pass)
      else pass()
    })
    await using test = await replicating(proxy.port, 's3')
    await test.put('key', 'x')
    await expect.poll(() => held.length, PATIENCE).toBe(1)
    await tag(test.s3, test.bucket, 'key')
    state.hold = false
    held[0]?.()
    await expect.poll(() => head(there.s3, 'replicas', 'key').catch(() => undefined), PATIENCE).toBeDefined()
    // The change is on its way only after the version was marked.
    const tagsThere = async () =>
      (await there.s3.send(new GetObjectTaggingCommand({ Bucket: 'replicas', Key: 'key' }))).TagSet
    await expect.poll(() => state.refused, PATIENCE).toBeGreaterThan(0)
    expect(await statusOf(test.s3, test.bucket, 'key')).toBe('PENDING')
    state.refuseTags = false
    await isDone(test.s3, test.bucket, 'key')
    expect(await tagsThere()).toEqual([{ Key: 'a', Value: 'b' }])
  })

  it('deletes nothing where there are no versions', async () => {
    await there.s3.send(new PutObjectCommand({ Bucket: there.bucket, Key: 'key', Body: 'their own' }))
    await using test = await startObjectHouse({ settings: settingsFor(portThere()) })
    await enable(test.s3, test.bucket)
    await replicate(test.s3, test.bucket, rule(`arn:coffer:s3::dr:${there.bucket}`))
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'key' }))
    await test.put('after', 'x')
    await isDone(test.s3, test.bucket, 'after')
    expect((await bytesOf(there.s3, there.bucket, 'key')).toString()).toBe('their own')
    await test.put('key', 'x')
    await isDone(test.s3, test.bucket, 'key')
  })
})
