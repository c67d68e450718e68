import { once } from 'node:events'
import { rename } from 'node:fs/promises'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startHouse, type TestHouse } from '../../support/house.ts'
import { threadConnections } from '../../support/thread-clients.ts'

const CLIENTS = 6
const TURNS = 3

let test: TestHouse
beforeEach(async () => {
  test = await startHouse({ settings: { COFFER_S3_THREADS: '2' } })
})
afterEach(() => test.stop())

const threads = () => {
  const { threads: all } = test.house
  if (!all) throw new Error('there is one thread')
  return all
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${test.controlUrl}/metrics`)).text()
  const samples = text.matchAll(/^([a-z0-9_]+)(?:\{[^}]*\})? ([0-9.e+]+)$/gm)
  return [...samples].reduce((sum, [, each, value]) => (each === name ? sum + Number(value) : sum), 0)
}

it('loses no request, no object and no count while threads come and go under load', async () => {
  const first = test.client()
  await first.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  // A thread would wait until it has said nothing for a minute.
  first.destroy()
  const over = new AbortController()
  const body = (Key: string): string => `${Key} `.repeat(200)
  const load = async (_: unknown, client: number): Promise<readonly string[]> => {
    // A connection may end in the moment in which the client begins to use it, as with any server.
    const s3 = test.client(undefined, { maxAttempts: 3, requestHandler: { httpAgent: { maxSockets: 1 } } })
    const keys: string[] = []
    for (let index = 0; !over.signal.aborted; index++) {
      const Key = `${client}-${index}`
      await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: body(Key) }))
      keys.push(Key)
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: keys[index >> 1] ?? Key }))
      expect(await Body?.transformToString()).toBe(body(keys[index >> 1] ?? Key))
    }
    return keys
  }
  const loads = Promise.all(Array.from({ length: CLIENTS }, load))
  let counted = 0
  for (let turn = 0; turn < TURNS; turn++) {
    threads().fewer()
    expect(threads().serving()).toBe(0)
    // Its connections have ended, and so has it.
    await expect.poll(() => threads().there(), { timeout: 80_000 }).toBe(0)
    await threads().more()
    expect(threads().serving()).toBe(1)
    const now = await metric('coffer_s3_requests_total')
    expect(now).toBeGreaterThanOrEqual(counted)
    counted = now
  }
  over.abort()
  const keys = (await loads).flat()
  // And the bucket.
  await expect.poll(() => metric('coffer_s3_requests_total')).toBe(2 * keys.length + 1)
  const s3 = test.client()
  for (const Key of keys) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key }))
    expect(await Body?.transformToString()).toBe(body(Key))
  }
}, 300_000)

it('lets a thread that leaves finish what runs, and takes it back when there is work again', async () => {
  using connections = threadConnections(test)
  const socket = (await connections.open('follower')).on('error', () => {})
  // It has been let in.
  socket.write('GET /b/k HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(socket, 'data')
  socket.write('PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n')
  threads().fewer()
  expect(threads().there()).toBe(1)
  await threads().more()
  expect([threads().serving(), threads().there()]).toEqual([1, 1])
  // It listens again.
  for (let index = 0; index < 3; index++) (await connections.open('follower')).on('error', () => {}).destroy()
  socket.destroy()
})

it('goes on with the threads there are when another one cannot be had, and has it as soon as it can', async () => {
  const keyFile = `${test.dataDir}.key`
  await rename(keyFile, `${keyFile}.away`)
  await expect(threads().more()).rejects.toThrow()
  expect([threads().serving(), threads().there()]).toEqual([1, 1])
  const s3 = test.client()
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await rename(`${keyFile}.away`, keyFile)
  await threads().more()
  expect([threads().serving(), threads().there()]).toEqual([2, 2])
  await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'well' }))
})

it('stops while a thread comes and another one leaves', async () => {
  threads().fewer()
  const coming = threads()
    .more()
    .catch(() => {})
  const another = threads()
    .more()
    .catch(() => {})
  await test.house.close(2000)
  await Promise.all([coming, another])
})
