import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { build } from '../../src/web/build.ts'
import { mainAccessKey, postSession, signInAt } from '../support/console-client.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { sendPlain } from '../support/send.ts'
import { exchange } from '../support/socket.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** What a first visit may take, compressed. */
const FIRST_LOAD_BYTES = 150_000

let test: TestHouse
beforeAll(async () => {
  test = await startHouse({ settings: { COFFER_LIMITS_REFUSED_SIGN_INS_PER_MINUTE: '3' } })
})
afterAll(() => test[Symbol.asyncDispose]())

const get = (target: string, headers: Record<string, string> = {}, method = 'GET') =>
  sendPlain(test.objectsControlUrl, { method, target, headers })
const scriptOf = (page: Buffer): string => /src="(\/ui\/assets\/main-[^"]+\.js)"/.exec(String(page))?.[1] ?? ''

describe('the files of the console', () => {
  it('are a page at every address, and what it names', async () => {
    const page = await get('/ui/')
    expect([page.status, page.headers['content-type'], page.headers['cache-control']]).toEqual([
      ...[200, 'text/html; charset=utf-8', 'no-cache'],
    ])
    expect(String((await get('/ui/buckets/a/objects/b%2Fc/?sel=d')).body)).toBe(String(page.body))
    for (const [, name = ''] of String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await get(name)).status).toBe(200)
    }
    expect((await get('/ui')).headers.location).toBe('/ui/')
    expect((await get('/', { accept: 'text/html' })).headers.location).toBe('/ui/')
    expect((await get('/ui/assets/nothing.js')).status).toBe(404)
    expect((await get('/ui/', {}, 'POST')).status).toBe(405)
  })

  it('are sent compressed as far as the client takes it, kept for good by name, and not sent again', async () => {
    const script = scriptOf((await get('/ui/')).body)
    const plain = await get(script)
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(plain.headers['content-encoding']).toBeUndefined()
    const brotli = await get(script, { 'accept-encoding': 'gzip, br' })
    expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true)
    const gzip = await get(script, { 'accept-encoding': 'gzip' })
    expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true)
    const again = await get(script, { 'if-none-match': String(plain.headers.etag) })
    expect([again.status, again.body.length]).toEqual([304, 0])
    const head = await get(script, {}, 'HEAD')
    expect([head.status, head.body.length, head.headers['content-length']]).toEqual([200, 0, String(plain.body.length)])
  })

  it('are sent without waiting for a body that nobody asked for', async () => {
    for (const path of ['/ui/', '/ui', '/ui/assets/nothing.js', '/']) {
      const head = `GET ${path} HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nContent-Length: 9\r\n\r\n`
      expect([path, await exchange(test.objectsControlUrl, head)]).toEqual([
        path,
        expect.objectContaining({ closed: true }),
      ])
    }
  })

  it('let nothing run that is not theirs, and are in no frame', async () => {
    for (const target of ['/ui/', scriptOf((await get('/ui/')).body), '/ui/session', '/ui/assets/nothing.js']) {
      const { headers } = await get(target)
      expect(headers['content-security-policy']).toMatch(/^default-src 'self';.*frame-ancestors 'none'$/)
      expect(headers['content-security-policy']).not.toContain('unsafe')
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    }
    const page = String((await get('/ui/')).body)
    expect(page).not.toMatch(/style=|<style|\son\w+=|https?:/)
    expect(page).not.toMatch(/<script(?![^>]*src=)/)
  })

  it('take little: a first visit has less than 150 kB', async () => {
    await using directory = await temporaryDirectory()
    const { firstLoadBytes } = await build(`${directory.path}/built`)
    expect(firstLoadBytes).toBeGreaterThan(10_000)
    expect(firstLoadBytes).toBeLessThan(FIRST_LOAD_BYTES)
  })
})

describe('the console', () => {
  it('looks at no more sign-ins from where too many were refused', async () => {
    const { send } = await signInAt(test.objectsControlUrl)
    const wrong = { ...mainAccessKey, secretAccessKey: 'wrong' }
    const statuses: number[] = []
    for (let time = 0; time < 4; time++) statuses.push((await postSession(test.objectsControlUrl, wrong)).status)
    expect(statuses).toEqual([401, 401, 401, 429])
    expect((await postSession(test.objectsControlUrl, mainAccessKey)).status).toBe(429)
    // Whoever is in stays in.
    expect((await send({ method: 'GET', target: '/ui/session' })).status).toBe(200)
  })

  it('is not there when it is turned off', async () => {
    await using off = await startHouse({ settings: { COFFER_CONSOLE: 'false' } })
    for (const target of ['/ui/', '/ui/session', '/ui/s3/', '/ui/api/health/live']) {
      expect((await sendPlain(off.objectsControlUrl, { method: 'GET', target })).status).toBe(404)
    }
    expect((await postSession(off.objectsControlUrl, mainAccessKey)).status).toBe(404)
  })
})
