import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../../support/bootstrap.ts'
import { testCertificates } from '../../support/certificate.ts'
import { s3ClientFor } from '../../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../../support/server-process.ts'

let directory: string
let servers: ServerProcess[] = []
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'coffer-threads-'))
})
afterEach(async () => {
  for (const server of servers) await server.kill()
  servers = []
  await rm(directory, { recursive: true, force: true })
})

async function start(settings: Readonly<Record<string, string>> = {}, more: { readonly ca?: string } = {}) {
  const server = await startServerProcess({
    dataDir: path.join(directory, 'data'),
    bootstrapFile: await writeBootstrapFile(path.join(directory, 'bootstrap.json'), [mainAccount]),
    settings: { COFFER_S3_THREADS: '3', COFFER_LOG_LEVEL: 'warn', ...settings },
    ...more,
  })
  servers.push(server)
  const client = () => s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user, ...more })
  return { server, client }
}

/** Connections of their own: they go to all threads. */
const many = async (count: number, act: (index: number) => Promise<unknown>): Promise<void> => {
  await Promise.all(Array.from({ length: count }, (_, index) => act(index)))
}

describe('a server of several threads', () => {
  it('serves on one port, keeps what all of them stored over a stop and over a kill, and opens it with one thread, too', async () => {
    let { server, client } = await start()
    await client().send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const body = (index: number): string => `body ${index} `.repeat(1 + 400 * index)
    const put = (index: number) =>
      client().send(new PutObjectCommand({ Bucket: 'bucket', Key: `k${index}`, Body: body(index) }))
    const read = async (index: number): Promise<void> => {
      const { Body } = await client().send(new GetObjectCommand({ Bucket: 'bucket', Key: `k${index}` }))
      expect(await Body?.transformToString()).toBe(body(index))
    }
    await many(24, put)
    await many(24, read)
    await server.kill()
    ;({ server, client } = await start())
    await many(24, read)
    await many(24, put)
    await server.stop()
    ;({ server, client } = await start({ COFFER_S3_THREADS: '1' }))
    await many(24, read)
    await server.stop()
    expect(server.output()).not.toMatch(/"level":(50|60)/)
  })

  it('counts what each of them served, and lets no more connections in than the setting says', async () => {
    const { server, client } = await start({ COFFER_S3_MAX_CONNECTIONS: '12' })
    const metric = async (name: string): Promise<number> => {
      const text = await (await fetch(`${server.controlUrl}/metrics`)).text()
      const found = [...text.matchAll(/^([a-z0-9_]+)\{([^}]*)\} ([0-9.]+)$/gm)]
      return found
        .filter(([, each, labels]) => `${each}{${labels}}`.startsWith(name))
        .reduce((sum, [, , , value]) => sum + Number(value), 0)
    }
    const s3 = client()
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'x' }))
    const gets: Promise<unknown>[] = []
    for (let index = 0; index < 10; index++)
      gets.push(
        s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'k' })).then(({ Body }) => Body?.transformToString()),
      )
    await Promise.all(gets)
    expect(await metric('coffer_s3_requests_total{operation="GetObject"')).toBe(10)
    s3.destroy()
    const sockets = Array.from({ length: 40 }, () => connect(server.s3Port, '127.0.0.1').on('error', () => {}))
    const open = (): number => sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length
    for (const socket of sockets) socket.resume()
    // Each thread may have let one in while another did.
    await expect.poll(open, { timeout: 20_000 }).toBeLessThanOrEqual(12 + 2)
    expect(open()).toBeGreaterThanOrEqual(10)
    for (const socket of sockets) socket.destroy()
  })

  it('finishes what runs in any thread when it is told to stop', async () => {
    const { server, client } = await start()
    await client().send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const chunks = async function* () {
      for (let chunk = 0; chunk < 8; chunk++) {
        yield Buffer.alloc(64 * 1024, chunk)
        await sleep(100)
      }
    }
    const puts = Array.from({ length: 6 }, async (_, index) => {
      const bytes: Buffer[] = []
      for await (const chunk of chunks()) bytes.push(chunk)
      return client().send(new PutObjectCommand({ Bucket: 'bucket', Key: `k${index}`, Body: Buffer.concat(bytes) }))
    })
    await sleep(820)
    const stopped = server.stop()
    const ended = await Promise.allSettled(puts)
    await stopped
    const again = await start()
    for (const [index, { status }] of ended.entries()) {
      if (status !== 'fulfilled') continue
      const { ContentLength } = await again.client().send(new GetObjectCommand({ Bucket: 'bucket', Key: `k${index}` }))
      expect(ContentLength).toBe(8 * 64 * 1024)
    }
    await again.server.stop()
  })

  it('speaks TLS in every thread, also of what it hands on', async () => {
    const tls = testCertificates()
    const [certificate, key] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')]
    await writeFile(certificate, tls.cert + tls.ca, { mode: 0o600 })
    await writeFile(key, tls.key, { mode: 0o600 })
    const files = { COFFER_TLS_CERTIFICATE_FILE: certificate, COFFER_TLS_KEY_FILE: key }
    const { server, client } = await start(files, { ca: tls.ca })
    await many(12, (index) => client().send(new CreateBucketCommand({ Bucket: `b-${index}` })))
    await many(12, async (index) => {
      await client().send(new PutObjectCommand({ Bucket: `b-${index}`, Key: 'k', Body: 'over TLS' }))
      const { Body } = await client().send(new GetObjectCommand({ Bucket: `b-${index}`, Key: 'k' }))
      expect(await Body?.transformToString()).toBe('over TLS')
    })
    await server.stop()
  })

  it('does not share its port with another server', async () => {
    const { server } = await start()
    const second = startServerProcess({
      dataDir: path.join(directory, 'other'),
      s3Port: server.s3Port,
      settings: { COFFER_S3_THREADS: '2' },
    })
    await expect(second).rejects.toThrow(`Port ${server.s3Port} is taken`)
  })
})
