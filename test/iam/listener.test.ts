import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Api, defineApi } from '../../src/api/common/api.ts'
import { jsonOperations, noBody } from '../../src/api/common/json-operation.ts'
import { type ControlListener, createControlListener } from '../../src/api/common/listener.ts'
import { plainProtocol } from '../../src/api/common/plain-protocol.ts'
import { empty, json } from '../../src/api/common/reply.ts'

const define = jsonOperations<undefined>()
const named = (name: string, method: 'GET' | 'HEAD' | 'POST', path: string, query?: Record<string, string | true>) =>
  define({ name, method, path, ...(query ? { query } : {}), body: noBody, run: async () => json(200, { name }) })

const echo = z.strictObject({ name: z.string(), list: z.array(z.strictObject({ n: z.number() })).optional() })

const api = defineApi({ ...plainProtocol('test', ['/t']), bodyLimitBytes: 1000 }, [
  named('AnyThing', 'GET', '/t/things/:id'),
  named('Literal', 'GET', '/t/things/all'),
  named('Act', 'POST', '/t/things/:id', { action: 'act' }),
  named('ActNow', 'POST', '/t/things/:id', { action: 'act', now: true }),
  define({
    name: 'Head',
    method: 'HEAD',
    path: '/t/things',
    body: noBody,
    run: async () => empty(200, { 'Key-Total': '3' }),
  }),
  named('List', 'GET', '/t/things'),
  define({
    name: 'Param',
    method: 'GET',
    path: '/t/param/:id',
    body: noBody,
    run: async ({ request }) => json(200, [request.param('id'), request.query.get('q')]),
  }),
  define({ name: 'Echo', method: 'POST', path: '/t/echo', body: echo, run: async ({ body }) => json(200, body) }),
  define({
    name: 'Maybe',
    method: 'POST',
    path: '/t/maybe',
    body: echo.optional(),
    run: async ({ body }) => json(200, { got: body ?? null }),
  }),
  define({
    name: 'Bug',
    method: 'GET',
    path: '/t/bug',
    body: noBody,
    run: async () => {
      throw new Error('secret text')
    },
  }),
])

const logged: { readonly level: string; readonly fields: object }[] = []
let listener: ControlListener
let url: string
let port: number
beforeAll(async () => {
  listener = createControlListener({
    apis: [api],
    health: { live: () => ({ ok: true }), ready: () => ({ ok: false, problems: ['sealed'] }) },
    logger: {
      info: (fields) => void logged.push({ level: 'info', fields }),
      error: (fields) => void logged.push({ level: 'error', fields }),
    },
  })
  const address = await listener.listen({ host: '127.0.0.1', port: 0 })
  port = address.port
  url = `http://127.0.0.1:${port}`
})
afterAll(() => listener.close(1000))

const get = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(url + path, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}
const post = (path: string, body?: string, headers = {}) =>
  get(path, { method: 'POST', headers, ...(body === undefined ? {} : { body }) })

/** What no client would send. */
const raw = (text: string, to = port) =>
  new Promise<string>((resolve, reject) => {
    let received = ''
    const socket = connect(to, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('latin1').on('data', (chunk) => {
      received += chunk
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })

describe('finding the operation', () => {
  it('prefers a literal segment to a parameter, and the most demanding query', async () => {
    expect((await get('/t/things/all')).body).toEqual({ name: 'Literal' })
    expect((await get('/t/things/one')).body).toEqual({ name: 'AnyThing' })
    expect((await post('/t/things/one?action=act')).body).toEqual({ name: 'Act' })
    expect((await post('/t/things/one?now&action=act')).body).toEqual({ name: 'ActNow' })
    expect((await post('/t/things/one?action=other')).status).toBe(404)
  })

  it('lets a HEAD of its own win over the one of GET', async () => {
    expect((await get('/t/things', { method: 'HEAD' })).headers.get('key-total')).toBe('3')
    expect((await get('/t/things/all', { method: 'HEAD' })).status).toBe(200)
  })

  it('refuses two operations that claim the same request', () => {
    const twice: Api = defineApi(plainProtocol('twice', ['/x']), [
      named('A', 'GET', '/x/:a'),
      named('B', 'GET', '/x/:b'),
    ])
    const options = {
      health: { live: () => ({ ok: true }), ready: () => ({ ok: true }) },
      logger: { info: () => {}, error: () => {} },
    }
    expect(() => createControlListener({ apis: [twice], ...options })).toThrow('A and B claim the same request')
  })

  it('says which methods a path has', async () => {
    const answer = await get('/t/things', { method: 'DELETE' })
    expect([answer.status, answer.body.error.code]).toEqual([405, 'MethodNotAllowed'])
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD'])
  })

  it.each(['/', '/t', '/t/', '/tt', '/t/things/', '/T/things', '//t/things', '/t/things/a/b', '/nothing?x=1'])(
    'finds nothing at %s',
    async (path) => {
      expect((await get(path)).status).toBe(404)
    },
  )

  it('decodes a parameter and a query exactly once', async () => {
    expect((await get('/t/param/a%252Fb%2Fc+d?q=%2541+b')).body).toEqual(['a%2Fb/c+d', '%41 b'])
    expect((await get('/t/param/__proto__?q=__proto__')).body).toEqual(['__proto__', '__proto__'])
  })
})

describe('a hostile request', () => {
  it.each([
    '/t/param/%E0%A4%A',
    '/t/param/%',
    '/t/param/%ff',
    '/t/param/a%00b',
    '/t/things?q=%zz',
    '/t/things?q=1&q=2',
    '/t/things?%71=1&q=2',
  ])('%s is refused', async (path) => {
    expect((await get(path)).status).toBe(400)
  })

  it('with a repeated Authorization is refused', async () => {
    const head = 'GET /t/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
    expect(await raw(`${head}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 /)
  })

  it.each([
    ['Unreadable', 'GARBAGE\r\n\r\n'],
    ['Unreadable', 'GET /t/things HTTP/1.1\r\n\r\n'],
    ['HeadTooLarge', `GET /t/things HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`],
    ['Unreadable', 'POST /t/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}'],
    ['Unreadable', 'POST /t/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    [
      'Unreadable',
      'POST /t/echo HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /t/things HTTP/1.1\r\nHost: x\r\n\r\n',
    ],
    ['Unreadable', 'GET /t/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['BadPath', 'GET http://elsewhere/t/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['BadPath', 'GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ])('that cannot be read, number %#, is answered %s', async (code, text) => {
    const answered = await raw(text)
    expect(answered).toMatch(/^HTTP\/1.1 4\d\d /)
    expect(answered.match(/HTTP\/1.1 \d/g)).toHaveLength(1)
    const [head = '', body = ''] = answered.split('\r\n\r\n')
    expect(JSON.parse(body).error.code).toBe(code)
    expect(head).toMatch(/Content-Type: application\/json/i)
    expect(head).toContain(`Content-Length: ${body.length}`)
    expect(head).toMatch(/Connection: close/i)
  })

  it('cannot put lines of its own into headers or the log', async () => {
    const answer = await get('/t/things', { headers: { 'Correlation-Id': 'x y"z' } })
    expect(answer.status).toBe(200)
    expect(JSON.stringify(logged.at(-1))).not.toContain('x y')
  })
})

describe('a body', () => {
  it.each([
    ['is missing', undefined, 'BodyMissing'],
    ['is not JSON', '{', 'BodyMalformed'],
    ['has an unknown member', '{"name":"a","more":1}', 'BodyInvalid'],
    ['has a member named __proto__', '{"name":"a","__proto__":{"admin":true}}', 'BodyInvalid'],
    ['is nested too deep', `{"name":"a","list":${'['.repeat(400)}${']'.repeat(400)}}`, 'BodyMalformed'],
  ])('that %s is %s', async (_, body, code) => {
    const answer = await post('/t/echo', body)
    expect([answer.status, answer.body.error.code]).toEqual([400, code])
  })

  it('is named by path in the error', async () => {
    expect((await post('/t/echo', '{"name":"a","list":[{"n":1},{"n":"x"}]}')).body.error.message).toContain('list[1].n')
  })

  it('may be absent where the schema says so', async () => {
    expect((await post('/t/maybe')).body).toEqual({ got: null })
    expect((await post('/t/maybe', '', { 'Content-Type': 'application/json' })).body).toEqual({ got: null })
    expect((await post('/t/maybe', '{"name":"a"}')).body).toEqual({ got: { name: 'a' } })
  })

  it('over the limit is refused, announced or not', async () => {
    expect((await post('/t/echo', JSON.stringify({ name: 'a'.repeat(1000) }))).status).toBe(413)
    const chunk = `400\r\n${'a'.repeat(0x400)}\r\n`
    const head = 'POST /t/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(await raw(head + chunk)).toMatch(/^HTTP\/1.1 413 [\s\S]*Connection: close/)
  })

  it('that does not come in time is answered 408, and the connection ends; what stands before the APIs takes its time', async () => {
    await using impatient = new AsyncDisposableStack()
    const listening = createControlListener({
      apis: [api],
      health: { live: () => ({ ok: true }), ready: () => ({ ok: true }) },
      logger: { info: () => {}, error: () => {} },
      limits: { requestTimeoutMs: 20 },
      front: (incoming, response, apis) => {
        if (incoming.url !== '/slow') return apis(incoming, response)
        incoming.resume().on('end', () => response.writeHead(204, { connection: 'close' }).end())
      },
    })
    const { port: to } = await listening.listen({ host: '127.0.0.1', port: 0 })
    impatient.defer(() => listening.close(0))
    const head = (path: string) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{`
    const late = await raw(head('/t/echo'), to)
    expect(late).toMatch(/^HTTP\/1.1 408 Request Timeout\r\nConnection: close\r\n/)
    expect(JSON.parse(late.split('\r\n\r\n')[1] ?? '').error.code).toBe('RequestTimeout')
    const slow = connect(to, '127.0.0.1', () => slow.write(head('/slow')))
    await new Promise((resolve) => setTimeout(resolve, 60))
    slow.write('}')
    const [answer] = await once(slow, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1.1 204 /)
    slow.destroy()
  })

  it('is not waited for on behalf of another answer, and an answer that nobody reads ends', async () => {
    const large = Buffer.alloc(64 * 1024 ** 2)
    await using cutting = new AsyncDisposableStack()
    const listening = createControlListener({
      apis: [api],
      health: { live: () => ({ ok: true }), ready: () => ({ ok: true }) },
      logger: { info: () => {}, error: () => {} },
      limits: { idleTimeoutMs: 50 },
      front: (incoming, response, apis) => {
        if (incoming.url === '/large') return void response.writeHead(200).end(large)
        if (incoming.url !== '/working') return apis(incoming, response)
        setTimeout(() => response.writeHead(204, { connection: 'close' }).end(), 200)
      },
    })
    const { port: to } = await listening.listen({ host: '127.0.0.1', port: 0 })
    cutting.defer(() => listening.close(0))
    // Whoever is waited for by the client takes as long as it takes.
    expect(await raw('GET /working HTTP/1.1\r\nHost: x\r\n\r\n', to)).toMatch(/^HTTP\/1.1 204 /)
    for (const begun of ['', 'GET /large HTTP/1.1\r\nHost: x\r\n\r\n']) {
      const socket = connect(to, '127.0.0.1', () => socket.write(begun))
      socket.on('error', () => {})
      // Reads nothing.
      socket.pause()
      const [served] = await once(listening.server, 'connection')
      await once(served, 'close')
      socket.destroy()
    }
  })

  it('that is compressed is refused', async () => {
    expect((await post('/t/echo', '{}', { 'Content-Encoding': 'gzip' })).status).toBe(415)
  })
})

describe('requests that are sent ahead', () => {
  it('are answered one after the other, and more than wait in memory end the connection', async () => {
    const answersTo = async (count: number): Promise<number> => {
      const text = await raw('GET /t/param/a HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(count) + LAST).catch(() => '')
      return text.split('HTTP/1.1 200 ').length - 1
    }
    expect(await answersTo(10)).toBe(11)
    expect(await answersTo(400)).toBeLessThan(100)
  })
})
const LAST = 'GET /t/param/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

describe('an answer', () => {
  it('to a bug tells nothing of it, and the log does', async () => {
    const answer = await get('/t/bug?apikey=hidden')
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([500, expect.not.stringContaining('secret')])
    const entry = logged.at(-1)
    expect(entry).toMatchObject({
      level: 'error',
      fields: { operation: 'Bug', path: '/t/bug', err: expect.objectContaining({ message: 'secret text' }) },
    })
    expect(JSON.stringify(entry)).not.toContain('hidden')
  })

  it('carries its request id and is neither sniffed nor stored', async () => {
    const { headers } = await get('/t/things')
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect([headers.get('x-content-type-options'), headers.get('cache-control')]).toEqual(['nosniff', 'no-store'])
  })

  it('about health is 200 or 503', async () => {
    expect(await get('/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await get('/health/ready')).toMatchObject({
      status: 503,
      body: { status: 'unavailable', problems: ['sealed'] },
    })
  })
})
