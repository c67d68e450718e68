import { once } from 'node:events'
import type { Socket } from 'node:net'
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { expect, it } from 'vitest'
import { mainAccount } from '../../support/bootstrap.ts'
import { sendConfig } from '../../support/bucket-config.ts'
import { iamToken } from '../../support/control-api.ts'
import { startHouse } from '../../support/house.ts'
import { threadConnections } from '../../support/thread-clients.ts'

const BYTES = 2000
const LAST_BYTES = 10
const QUOTA_BYTES = 2 * BYTES + 100
const ROUNDS = 5

it('keeps a hard quota that a bucket is given while all threads write to it', async () => {
  await using test = await startHouse({ settings: { COFFER_S3_THREADS: '2' } })
  using connections = threadConnections(test)
  const client = test.client()
  const token = await iamToken(test.controlUrl, mainAccount.user.apiKey)
  const begin = async (Bucket: string, index: number): Promise<Socket> => {
    const socket = await connections.open(index % 2 === 0 ? 'owner' : 'follower')
    const put = new PutObjectCommand({ Bucket, Key: `k${index}` })
    const { pathname, search, host } = new URL(await getSignedUrl(client, put))
    const length = `Content-Length: ${BYTES}\r\nExpect: 100-continue`
    socket.write(`PUT ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${length}\r\n\r\n`)
    await once(socket, 'data')
    socket.write(Buffer.alloc(BYTES - LAST_BYTES))
    return socket
  }
  const end = async (socket: Socket): Promise<string> => {
    socket.write(Buffer.alloc(LAST_BYTES))
    const [answer] = await once(socket, 'data')
    socket.destroy()
    return String(answer).slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)
  }
  for (let round = 0; round < ROUNDS; round++) {
    const Bucket = `quota-${round}`
    await client.send(new CreateBucketCommand({ Bucket }))
    const sockets = await Promise.all(Array.from({ length: 8 }, (_, index) => begin(Bucket, index)))
    const { status } = await sendConfig(test.controlUrl, Bucket, token, { patch: { hard_quota: QUOTA_BYTES } })
    expect(status).toBe(204)
    const statuses = await Promise.all(sockets.map(end))
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
    expect(Contents.length).toBe(2)
    expect(statuses.filter((each) => each === '200').length).toBe(2)
    expect(new Set(statuses)).toEqual(new Set(['200', '403', '409']))
    // What was to be tried again goes to the thread that counts.
    const again = await connections.open('follower')
    const { pathname, search, host } = new URL(
      await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: 'again' })),
    )
    again.write(`PUT ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 50\r\n\r\n${'x'.repeat(50)}`)
    expect(String((await once(again, 'data'))[0])).toMatch(/^HTTP\/1.1 200/)
    again.destroy()
  }
})
