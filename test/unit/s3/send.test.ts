import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { send } from '../../../src/api/s3/send.ts'

const CHUNK = Buffer.alloc(64 * 1024)

it('a body that may not be sent on resets the connection, though its client reads nothing, and is closed', async () => {
  const revoking = new AbortController()
  const sent = Promise.withResolvers<unknown>()
  let closed = false
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) yield CHUNK
    } finally {
      closed = true
    }
  }
  const server = createServer((_, response) => {
    const headers = { 'content-length': Number.MAX_SAFE_INTEGER }
    send(response, { status: 200, headers, body: endless(), revoked: revoking.signal }, false).then(
      () => sent.resolve('sent'),
      sent.resolve,
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  const client = connect(address.port, '127.0.0.1')
  const end = once(client, 'close').then(
    () => 'closed',
    (error: unknown) => error,
  )
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await once(client, 'data')
  client.pause()
  await new Promise((resolve) => setTimeout(resolve, 200))
  const reason = new Error('the root key is disabled')
  revoking.abort(reason)
  expect(await sent.promise).toBe(reason)
  expect(closed).toBe(true)
  const connections = await new Promise((resolve) => server.getConnections((_, count) => resolve(count)))
  expect(connections).toBe(0)
  client.resume()
  expect(await end).toMatchObject({ code: 'ECONNRESET' })
  server.close()
})
