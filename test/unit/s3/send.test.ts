import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { StreamedBody } from '../../../src/api/s3/operation.ts'
import { send } from '../../../src/api/s3/send.ts'

const CHUNK_BYTES = 64 * 1024
/** Of bodies that may be read ahead of a slow client. */
const AHEAD = 64

it('a body that may not be sent on resets the connection, though its client reads nothing, and is closed', async () => {
  const revoking = new AbortController()
  const sent = Promise.withResolvers<unknown>()
  const body = watched(Number.MAX_SAFE_INTEGER)
  const { open, connections } = await serve((response) => {
    const reply = { status: 200, headers: { 'content-length': body.lengthBytes }, body, watch: watchOf(revoking) }
    send(response, reply, false).then(() => sent.resolve('sent'), sent.resolve)
  })
  const client = await open()
  const end = once(client, 'close').then(
    () => 'closed',
    (error: unknown) => error,
  )
  await stalled(client)
  await sleep(200)
  const reason = new Error('the root key is disabled')
  revoking.abort(reason)
  expect(await sent.promise).toBe(reason)
  expect(body.seen).toMatchObject({ reading: 0, closed: true })
  expect(await connections()).toBe(0)
  client.resume()
  expect(await end).toMatchObject({ code: 'ECONNRESET' })
})

it('a body in one piece that its client does not take is not sent on either', async () => {
  const revoking = new AbortController()
  const sent = Promise.withResolvers<unknown>()
  let watching = 0
  const { open, connections } = await serve((response) => {
    const watch = () => {
      watching++
      return { revoked: revoking.signal, [Symbol.dispose]: () => void watching-- }
    }
    // More than any system keeps for a connection.
    const reply = { status: 200, body: Buffer.alloc(64 * 1024 * 1024), watch }
    send(response, reply, false).then(() => sent.resolve('sent'), sent.resolve)
  })
  const client = await open()
  await stalled(client)
  await vi.waitFor(() => expect(watching).toBe(1), 5000)
  const reason = new Error('the root key is disabled')
  revoking.abort(reason)
  expect(await sent.promise).toBe(reason)
  expect(watching).toBe(0)
  await vi.waitFor(async () => expect(await connections()).toBe(0), 5000)
})

it('a body in one piece is watched for as long as its client takes, and no longer', async () => {
  const sent = Promise.withResolvers<unknown>()
  const watched: string[] = []
  const body = Buffer.alloc(64 * 1024 * 1024, 1)
  const { open } = await serve((response) => {
    const watch = () => {
      watched.push('begun')
      return { revoked: new AbortController().signal, [Symbol.dispose]: () => void watched.push('ended') }
    }
    send(response, { status: 200, body, watch }, false).then(() => sent.resolve('sent'), sent.resolve)
  })
  const client = await open()
  await stalled(client)
  await vi.waitFor(() => expect(watched).toEqual(['begun']), 5000)
  client.resume()
  expect(await sent.promise).toBe('sent')
  expect(watched).toEqual(['begun', 'ended'])
})

it('of clients that stall, only so many hold what was read for them: for the others the rest is read anew', async () => {
  const lengthBytes = 24 * 1024 * 1024 + 12_345
  const bodies: ReturnType<typeof watched>[] = []
  const { open } = await serve((response) => {
    const body = watched(lengthBytes)
    bodies.push(body)
    send(response, { status: 200, headers: { 'content-length': lengthBytes }, body }, false).catch(() => {})
  })
  const clients: Socket[] = []
  for (let count = 0; count < AHEAD + 8; count++) clients.push(await stalled(await open()))
  await vi.waitFor(() => expect(bodies.filter((body) => body.seen.reading === 1)).toHaveLength(AHEAD), 5000)

  const late = clients.at(-1)
  const lateBody = bodies.at(-1)
  if (!late || !lateBody) throw new Error('nobody came')
  expect(lateBody.seen).toMatchObject({ asked: [0], reading: 0, closed: false })
  const received = await rest(late, lengthBytes)
  expect(received).toBe('as it is')
  await vi.waitFor(() => expect(lateBody.seen.closed).toBe(true))
  expect(lateBody.seen.asked.length).toBeGreaterThan(1)
})

it('a client that stalls and goes closes its body, whether or not any of it is being read', async () => {
  const bodies: ReturnType<typeof watched>[] = []
  const ended: Promise<unknown>[] = []
  const { open } = await serve((response) => {
    const body = watched(Number.MAX_SAFE_INTEGER)
    bodies.push(body)
    ended.push(send(response, { status: 200, headers: { 'content-length': body.lengthBytes }, body }, false))
  })
  const clients: Socket[] = []
  for (let count = 0; count < AHEAD + 2; count++) clients.push(await stalled(await open()))
  await vi.waitFor(() => expect(bodies.filter((body) => body.seen.reading === 1)).toHaveLength(AHEAD), 5000)
  for (const client of clients) client.resetAndDestroy()
  await Promise.all(ended)
  for (const { seen } of bodies) expect(seen).toMatchObject({ reading: 0, closed: true })
})

const watchOf =
  ({ signal }: AbortController) =>
  () => ({ revoked: signal, [Symbol.dispose]: () => {} })

/** A body whose byte at any place says where it is. */
function watched(lengthBytes: number): StreamedBody & { readonly seen: Seen; readonly lengthBytes: number } {
  const seen: Seen = { asked: [], reading: 0, closed: false }
  return {
    lengthBytes,
    seen,
    from: async function* (sentBytes) {
      seen.asked.push(sentBytes)
      seen.reading++
      try {
        for (let start = sentBytes; start < lengthBytes; ) {
          const end = Math.min(lengthBytes, start - (start % CHUNK_BYTES) + CHUNK_BYTES)
          yield bytesAt(start, end)
          start = end
        }
      } finally {
        seen.reading--
      }
    },
    close: async () => {
      seen.closed = true
    },
  }
}

interface Seen {
  readonly asked: number[]
  reading: number
  closed: boolean
}

/** No two segments are the same. */
function bytesAt(start: number, end: number): Buffer {
  const bytes = Buffer.allocUnsafe(end - start)
  for (let at = start; at < end; at++) bytes[at - start] = (at ^ (at >>> 8) ^ (at >>> 16)) & 0xff
  return bytes
}

async function rest(client: Socket, lengthBytes: number): Promise<string> {
  let left = lengthBytes
  let place = 0
  client.resume()
  for await (const data of client) {
    let chunk: Buffer = data
    if (place === 0) chunk = chunk.subarray(chunk.indexOf('\r\n\r\n') + 4)
    if (!chunk.equals(bytesAt(place, place + chunk.length))) return `wrong bytes from ${place} on`
    place += chunk.length
    left -= chunk.length
    if (left === 0) return 'as it is'
  }
  return `${left} bytes are missing`
}

/** Asks, and reads nothing of the answer. */
async function stalled(client: Socket): Promise<Socket> {
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await once(client, 'readable')
  return client
}

async function serve(take: (response: ServerResponse) => void) {
  const server = createServer((_, response) => take(response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return {
    open: async (): Promise<Socket> => {
      const client = connect(address.port, '127.0.0.1')
      client.on('error', () => {})
      await once(client, 'connect')
      onTestFinished(() => {
        client.destroy()
      })
      return client
    },
    connections: () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count))),
  }
}
