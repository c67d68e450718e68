import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestOptions,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { handOver } from '../../../src/server/threads/hand-over.ts'
import { Tunnel } from '../../../src/server/threads/tunnel.ts'
import { exchange } from '../../support/socket.ts'

type Serve = (incoming: IncomingMessage, response: ServerResponse) => void

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A server that hands everything on to another one, which nobody else can reach. */
async function front(serve: Serve): Promise<number> {
  const behind = createServer(serve)
  behind.on('checkContinue', serve)
  const pass = handOver(({ port, ...from }) => behind.emit('connection', new Tunnel(port, from)))
  const server = createServer((incoming, response) => void pass(incoming, response))
  server.on('checkContinue', (incoming, response) => void pass(incoming, response))
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

async function ask(port: number, options: RequestOptions, body?: Buffer): Promise<Answer> {
  const sent = request({ ...options, port, host: '127.0.0.1' })
  sent.end(body)
  const [incoming] = (await once(sent, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }
}

describe('a request that is handed over', () => {
  it('comes as it was, from where it was, and its answer goes back', async () => {
    const port = await front((incoming, response) => {
      const { method, url, headers, socket } = incoming
      response.writeHead(201, { 'x-seen': JSON.stringify({ method, url, headers, from: socket.remoteAddress }) })
      incoming.pipe(response)
    })
    const body = Buffer.alloc(3_000_000, 'abc')
    const answer = await ask(
      port,
      { method: 'PUT', path: '/b/k%20?x=1', headers: { 'content-length': body.length, 'X-Amz-Meta-A': ['1', '2'] } },
      body,
    )
    expect(answer.status).toBe(201)
    expect(answer.body.equals(body)).toBe(true)
    expect(JSON.parse(String(answer.headers['x-seen']))).toMatchObject({
      ...{ method: 'PUT', url: '/b/k%20?x=1', from: '127.0.0.1' },
      headers: { 'x-amz-meta-a': '1, 2', 'content-length': String(body.length) },
    })
  })

  it('has no body where it says no length, and is asked to go on before it sends one', async () => {
    const seen: unknown[] = []
    const port = await front((incoming, response) => {
      seen.push([incoming.headers['transfer-encoding'], incoming.headers['content-length']])
      if (incoming.headers.expect !== undefined) response.writeContinue()
      incoming.resume().once('end', () => response.end('read'))
    })
    expect((await ask(port, { method: 'DELETE', path: '/' })).body.toString()).toBe('read')
    const waiting = request({
      port,
      host: '127.0.0.1',
      method: 'PUT',
      headers: { expect: '100-continue', 'content-length': 4 },
    })
    waiting.flushHeaders()
    await once(waiting, 'continue')
    waiting.end('body')
    const [answer] = (await once(waiting, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(200)
    answer.resume()
    expect(seen).toEqual([
      [undefined, undefined],
      [undefined, '4'],
    ])
  })

  it('is cut off where its answer is, and ends when its client leaves', async () => {
    const left = Promise.withResolvers<void>()
    const port = await front((incoming, response) => {
      response.on('close', () => {
        if (incoming.url === '/leave') left.resolve()
      })
      response.writeHead(200, { 'content-length': 10 })
      response.write('half')
      if (incoming.url === '/cut') response.socket?.destroy()
    })
    await expect(ask(port, { path: '/cut' })).rejects.toThrow(/aborted|ECONNRESET/)
    const sent = request({ port, host: '127.0.0.1', path: '/leave' })
    sent.on('error', () => {})
    sent.end()
    await once(sent, 'response')
    sent.destroy()
    await left.promise
  })

  it.each(['GET', 'PUT'])('may announce trailers that will not come (%s)', async (method) => {
    const port = await front((incoming, response) => {
      incoming.pipe(response)
    })
    const { statuses, text } = await exchange(
      `http://127.0.0.1:${port}`,
      `${method} / HTTP/1.1\r\nHost: a\r\nTrailer: x-a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody`,
    )
    expect([statuses, text.includes('body')]).toEqual([[200], true])
  })

  it.each([
    ['GET', ''],
    ['PUT', 'Content-Length: 4\r\n\r\nbody'],
    ['PUT', 'Expect: 100-continue\r\nContent-Length: 4\r\n\r\nbody'],
  ])('has the bytes of its headers (%s %j)', async (method, rest) => {
    const port = await front((incoming, response) => {
      response.setHeader('connection', 'close')
      response.end(Buffer.from(String(incoming.headers['x-amz-meta-a']), 'latin1').toString('hex'))
    })
    const head = `${method} / HTTP/1.1\r\nHost: a\r\nX-Amz-Meta-A: \xff\xe9\xc3\xbf\r\n`
    const { text } = await exchange(`http://127.0.0.1:${port}`, `${head}${rest === '' ? '\r\n' : rest}`)
    expect(text).toContain('ffe9c3bf')
  })

  it('may have a body that nobody reads, and another request behind it', async () => {
    const port = await front((incoming, response) => {
      if (incoming.url === '/last') response.setHeader('connection', 'close')
      response.end('unread')
    })
    const lengthBytes = 3_000_000
    const { statuses } = await exchange(
      `http://127.0.0.1:${port}`,
      `GET / HTTP/1.1\r\nHost: a\r\nContent-Length: ${lengthBytes}\r\n\r\n${'x'.repeat(lengthBytes)}GET /last HTTP/1.1\r\nHost: a\r\n\r\n`,
    )
    expect(statuses).toEqual([200, 200])
  })

  it('says close where the answer does', async () => {
    const port = await front((_, response) => {
      response.setHeader('connection', 'close')
      response.end('bye')
    })
    const { headers, body } = await ask(port, { path: '/', headers: { connection: 'keep-alive' } })
    expect([headers.connection, body.toString()]).toEqual(['close', 'bye'])
  })
})
