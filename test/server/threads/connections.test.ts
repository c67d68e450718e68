import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { CreateBucketCommand, GetBucketLocationCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startHouse, type TestHouse } from '../../support/house.ts'
import { readMetrics } from '../../support/metrics.ts'
import { type ThreadConnections, threadConnections } from '../../support/thread-clients.ts'

const LIMIT = 10

let test: TestHouse
let connections: ThreadConnections
beforeAll(async () => {
  test = await startHouse({ settings: { COFFER_S3_THREADS: '2', COFFER_S3_MAX_CONNECTIONS: `${LIMIT}` } })
  connections = threadConnections(test)
  const client = test.client()
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  client.destroy()
})
afterAll(async () => {
  connections[Symbol.dispose]()
  await test[Symbol.asyncDispose]()
})

/** Of requests that a thread which follows hands over: of a bucket itself, and of an object under a key that it names. */
const heads = {
  location: (client: S3Client) => getSignedUrl(client, new GetBucketLocationCommand({ Bucket: 'bucket' })),
  put: (client: S3Client) =>
    getSignedUrl(client, new PutObjectCommand({ Bucket: 'bucket', Key: 'k', ServerSideEncryption: 'aws:kms' })),
}
const headOf = async (method: 'GET' | 'PUT', what: keyof typeof heads): Promise<string> => {
  const { pathname, search, host } = new URL(await heads[what](test.client()))
  return `${method} ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n`
}
const answered = async (socket: Socket): Promise<string> =>
  String((await once(socket, 'data'))[0]).split('\r\n', 1)[0] ?? ''

it('counts a connection once, and what goes over it, also when its requests are handed over', async () => {
  const location = await headOf('GET', 'location')
  const before = await readMetrics(test)
  const socket = await connections.open('follower')
  const opened = await readMetrics(test)
  for (let request = 0; request < 5; request++) {
    socket.write(`${location}\r\n`)
    expect(await answered(socket)).toBe('HTTP/1.1 200 OK')
  }
  const after = await readMetrics(test)
  const total = 'coffer_connections_total{listener="s3"}'
  expect(after[total]).toBe(opened[total])
  const received = 'coffer_received_bytes_total{listener="s3"}'
  expect((after[received] ?? 0) - (before[received] ?? 0)).toBeGreaterThanOrEqual(5 * location.length)
  socket.destroy()
})

it('lets as many connections in while requests of theirs are handed over', async () => {
  const put = await headOf('PUT', 'put')
  const open = (metrics: Record<string, number>): number => metrics['coffer_connections{listener="s3"}'] ?? 0
  await expect.poll(async () => open(await readMetrics(test))).toBe(0)
  const sockets: Socket[] = []
  // Each with a request under way, whose body does not come.
  for (let index = 0; index < LIMIT - 2; index++) {
    const socket = await connections.open('follower')
    socket.write(`${put}X-Amz-Server-Side-Encryption: aws:kms\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n`)
    expect(await answered(socket)).toBe('HTTP/1.1 100 Continue')
    sockets.push(socket)
  }
  await expect.poll(async () => open(await readMetrics(test))).toBe(LIMIT - 2)
  const { port } = new URL(test.s3Url)
  const more = connect(Number(port), '127.0.0.1')
  more.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  expect(await answered(more)).toBe('HTTP/1.1 403 Forbidden')
  for (const socket of [...sockets, more]) socket.destroy()
})
