import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import type { Replica } from '../../src/objects/replication/target.ts'
import { DEFAULT_LIMITS } from '../../src/server/replication/s3-client.ts'
import { s3Target } from '../../src/server/replication/s3-target.ts'

const to = { arn: 'arn:coffer:s3::dr:there', bucket: 'there', target: 'dr' }
const credentials = { accessKeyId: 'key', secretAccessKey: new Secret('secret') }
const limits = { ...DEFAULT_LIMITS, connectMs: 1000, idleMs: 500 }

function replicaOf(parts: readonly number[], chunks: { read: number }): Replica {
  const sizeBytes = parts.reduce((sum, size) => sum + size, 0)
  return {
    ...{ key: 'key', versionId: 'id', modifiedAtMs: 1, algorithm: 'AES256', storageClass: undefined },
    ...{ tags: [], lock: undefined, account: '' },
    manifest: {
      ...{
        etag: parts.length === 1 ? '0'.repeat(32) : `${'0'.repeat(32)}-2`,
        sizeBytes,
        headers: {},
        userMetadata: {},
      },
      parts: parts.map((size, index) => ({
        ...{ number: parts.length === 1 ? 0 : index + 1, sizeBytes: size, salt: Buffer.alloc(16) },
      })),
    },
    sealed: async () => {
      throw new Error('not asked for')
    },
    read: async function* ({ start, end }) {
      for (let at = start; at < end; at += 65_536) {
        chunks.read++
        yield Buffer.alloc(Math.min(65_536, end - at), 1)
      }
    },
  }
}

let server: Server
async function targetAt(answer: Parameters<typeof createServer>[1]) {
  server = createServer({}, answer ?? (() => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const declared = { name: 'dr', region: 'us-east-1', kind: 's3', sealed: false, accounts: [] } as const
  return s3Target({ ...declared, endpoint: `http://127.0.0.1:${port}` }, credentials, limits)
}
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

describe('A replication target', () => {
  it('is read for no faster than it takes', async () => {
    const target = await targetAt((request) => void request.pause())
    const chunks = { read: 0 }
    const size = 256 * 1024 * 1024
    await expect(target.put(replicaOf([size], chunks), to, new AbortController().signal)).rejects.toThrow()
    // What fits into the buffers of two sockets, and no more.
    expect(chunks.read).toBeLessThan(size / 65_536 / 4)
  })

  it('is left in the middle when nobody waits any more', async () => {
    const stop = new AbortController()
    const asked: string[] = []
    const target = await targetAt((request, response) => {
      asked.push(`${request.method} ${request.url?.replace(/\?.*(uploads|partNumber=\d).*/, ' $1')}`)
      if (request.url?.includes('uploads')) {
        response.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>')
      } else if (request.method === 'PUT') stop.abort()
      else response.writeHead(204).end()
      request.resume()
    })
    const replica = replicaOf([6_000_000, 1], { read: 0 })
    await expect(target.put(replica, to, stop.signal)).rejects.toThrow()
    expect(asked.map((one) => one.split(' ')[0])).toEqual(['POST', 'PUT', 'DELETE'])
  })

  it('is asked for one version however many others hang there', async () => {
    let hanging = 0
    const target = await targetAt((request, response) => {
      request.resume()
      if (request.url?.includes('/hangs')) hanging++
      else response.writeHead(200, { etag: '"0"', 'x-amz-version-id': 'there' }).end()
    })
    const end = new AbortController()
    const putting = (key: string) => target.put({ ...replicaOf([1], { read: 0 }), key }, to, end.signal)
    const all = Array.from({ length: 60 }, (_, n) => putting(`hangs-${n}`).catch(() => {}))
    expect(await putting('key')).toBe('there')
    expect(hanging).toBe(60)
    end.abort()
    await Promise.all(all)
  })
})
