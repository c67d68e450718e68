import { once } from 'node:events'
import { get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { S3Handler } from '../../../src/api/s3/handler.ts'
import { createS3Server } from '../../../src/api/s3/listener.ts'
import { send } from '../../../src/api/s3/send.ts'
import { readBytes } from '../../../src/base/streams.ts'
import { exchange, openSocket } from '../../support/socket.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(handler: S3Handler, idleTimeoutMs = 60_000, maxConnections = 1000) {
  const server = createS3Server(handler, { idleTimeoutMs, maxConnections })
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { server, url: `http://127.0.0.1:${port}` }
}

const read = async (incoming: IncomingMessage): Promise<number> => {
  let bytes = 0
  for await (const chunk of readBytes(incoming)) bytes += chunk.length
  return bytes
}

const HEAD = (method: string, length: number) =>
  `${method} /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`

describe('connections above the limit', () => {
  it('are closed, and accepted again when others end', async () => {
    const { url } = await serve((_incoming, response) => send(response, { status: 204 }, false), 60_000, 2)
    const held = [await openSocket(url), await openSocket(url)]
    expect(await exchange(url, HEAD('GET', 0))).toMatchObject({ statuses: [], closed: true })
    held[0]?.destroy()
    await expect.poll(async () => (await exchange(url, HEAD('GET', 0))).statuses).toEqual([204])
    held[1]?.destroy()
  })
})

describe('a connection on which nothing moves', () => {
  it('is kept while the answer is being worked on, and cut while the client is waited for', async () => {
    const { url } = await serve(async (incoming, response) => {
      await read(incoming).catch(() => {})
      await pause(500)
      await send(response, { status: 200, body: 'worked' }, false)
    }, 100)
    for (const request of [HEAD('GET', 0), `${HEAD('PUT', 4)}body`]) {
      expect((await exchange(url, request)).text).toContain('\r\n\r\nworked')
    }
    const half = await exchange(url, `${HEAD('PUT', 4)}bo`)
    expect(half).toMatchObject({ statuses: [], closed: true })
  })

  it('is kept while the body is not wanted yet', async () => {
    const { url } = await serve(async (incoming, response) => {
      await pause(500)
      await send(response, { status: 200, body: `${await read(incoming)} bytes` }, false)
    }, 100)
    const socket = await openSocket(url)
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    socket.write(`${HEAD('PUT', 8)}half`)
    await pause(300)
    socket.write('half')
    await once(socket, 'end')
    socket.destroy()
    expect(text).toContain('\r\n\r\n8 bytes')
  })

  it('is cut while the client does not read the answer, and before a request', async () => {
    const { url } = await serve(async (_, response) => {
      await send(response, { status: 200, body: Buffer.alloc(64 * 1024 * 1024) }, false)
    }, 100)
    const socket = await openSocket(url)
    socket.pause()
    socket.write(HEAD('GET', 0))
    const [server] = servers
    await expect.poll(() => new Promise((resolve) => server?.getConnections((_, count) => resolve(count)))).toBe(0)
    await expect(once(socket.resume(), 'close')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await exchange(url, 'GET /b')).toMatchObject({ statuses: [], closed: true })
  })
})

describe('a head that cannot be written', () => {
  it('leaves nothing in the answer that replaces it', async () => {
    const { url } = await serve(async (_, response) => {
      response.setHeader('x-first', '1')
      let closed = false
      async function* from(): AsyncGenerator<Buffer> {
        yield Buffer.from('never')
      }
      const close = async (): Promise<void> => {
        closed = true
      }
      const headers = { etag: '"of the object"', 'content-length': 5, 'x-amz-meta-a b': 'x' }
      await expect(send(response, { status: 200, headers, body: { from, close } }, false)).rejects.toThrow(
        'x-amz-meta-a b',
      )
      await send(response, { status: 500, headers: { 'x-closed': String(closed) }, body: 'fault' }, false)
    })
    const [incoming] = (await once(get(url), 'response')) as [IncomingMessage]
    incoming.resume()
    expect(`${incoming.statusCode} ${incoming.statusMessage}`).toBe('500 Internal Server Error')
    expect(incoming.headers).toMatchObject({ 'x-first': '1', 'x-closed': 'true', 'content-length': '5' })
    expect(incoming.headers.etag).toBeUndefined()
  })
})

describe('a refusal of bytes that are no request', () => {
  const timedOut = Object.assign(new Error('timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })

  it('is not sent in the middle of other answers: the connection is reset', async () => {
    let finish = (): void => {}
    const { server, url } = await serve(async (incoming, response) => {
      if (incoming.url === '/started') response.write('a'.repeat(10))
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      response.end()
    })
    for (const path of ['/started', '/pending']) {
      const connected = once(server, 'connection') as Promise<[Socket]>
      const requested = once(server, 'request')
      const answer = exchange(url, `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\nGET /half`)
      const [connection] = await connected
      await requested
      server.emit('clientError', timedOut, connection)
      const { text, closed } = await answer
      expect(closed).toBe(true)
      expect(text).not.toContain('<Error>')
      finish()
    }
  })

  it('answers the request that is not whole, and the connection that owes nothing', async () => {
    const { url } = await serve(async (incoming, response) => {
      await read(incoming).catch(() => {})
      response.end('read')
    })
    const chunked = 'PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n'
    for (const bytes of [chunked, `GET / HTTP/1.0\r\nNO HEADER\r\n\r\n`]) {
      const { statuses, text } = await exchange(url, bytes)
      expect(statuses).toEqual([400])
      expect(text).toContain('<Code>BadRequest</Code>')
    }
  })
})
