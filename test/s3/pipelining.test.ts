import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { type RawS3Request, signRaw } from '../support/raw-s3.ts'
import { exchange, openSocket } from '../support/socket.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

/** A signed request as it goes over the wire, body and all. */
function wire(request: Omit<RawS3Request, 'path'> & { readonly key: string }, ...lines: string[]): Buffer {
  const { key, body = '', ...rest } = request
  const { method, target, headers } = signRaw(test.s3Url, { ...rest, body, path: `/${test.bucket}/${key}` })
  const own = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const bytes = Buffer.from(body)
  const head = [`${method} ${target} HTTP/1.1`, ...own, `content-length: ${bytes.length}`, ...lines, '', '']
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), bytes])
}

const LAST = 'connection: close'
const ask = (...requests: readonly Buffer[]) => exchange(test.s3Url, Buffer.concat(requests))

describe('requests that are sent ahead on one connection', () => {
  it('take effect in their order', async () => {
    const slow = contentBytes('slow', 700_000)
    const puts = await ask(
      wire({ method: 'PUT', key: 'order', body: slow }),
      wire({ method: 'PUT', key: 'order', body: 'later' }, LAST),
    )
    expect(puts.statuses).toEqual([200, 200])
    expect((await test.get('order')).bytes.toString()).toBe('later')

    const { statuses, text } = await ask(
      wire({ method: 'PUT', key: 'seen', body: slow }),
      wire({ method: 'HEAD', key: 'seen' }),
      wire({ method: 'PUT', key: 'seen', body: 'second' }),
      wire({ method: 'GET', key: 'seen' }),
      wire({ method: 'DELETE', key: 'seen' }),
      wire({ method: 'GET', key: 'seen' }, LAST),
    )
    expect(statuses).toEqual([200, 200, 200, 200, 204, 404])
    expect(text).toContain('\r\n\r\nsecond')
  })

  it('wait unopened while an answer is not read', async () => {
    await test.put('large', contentBytes('large', 20_000_000))
    await test.put('small', 'small')
    const socket = await openSocket(test.s3Url)
    socket.pause()
    const small = wire({ method: 'DELETE', key: 'small' })
    socket.write(Buffer.concat([wire({ method: 'GET', key: 'large' }), small]))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect((await test.get('small')).bytes.toString()).toBe('small')
    socket.destroy()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await test.get('small')).bytes.toString()).toBe('small')
  })

  it('are all answered up to a number, and end the connection beyond it', async () => {
    await test.put('one', 'one')
    const times = (count: number) => Array.from({ length: count }, () => wire({ method: 'GET', key: 'one' }))
    const few = await ask(...times(16))
    expect(few.statuses).toEqual(Array.from({ length: 16 }, () => 200))
    const many = await ask(...times(150))
    expect(many.statuses.filter((status) => status !== 200)).toEqual([])
    expect(many.statuses.length).toBeLessThan(150)
    expect(many.closed).toBe(true)
  })
})

describe('a client that closes its side after the request', () => {
  it('gets the whole answer', async () => {
    const bytes = contentBytes('half', 3_000_000)
    await test.put('half', bytes)
    const { statuses, text } = await exchange(test.s3Url, wire({ method: 'GET', key: 'half' }), { halfClose: true })
    expect(statuses[0]).toBe(200)
    expect(text.endsWith(bytes.subarray(-100).toString('latin1'))).toBe(true)
    const put = await exchange(test.s3Url, wire({ method: 'PUT', key: 'sent', body: 'sent' }), { halfClose: true })
    expect(put.statuses).toEqual([200])
  })

  it('in the middle of a body hears that it is not complete, and nothing is stored', async () => {
    const whole = wire({ method: 'PUT', key: 'cut', body: 'x'.repeat(100) })
    const { statuses, text } = await exchange(test.s3Url, whole.subarray(0, -97), { halfClose: true })
    expect(statuses).toEqual([400])
    expect(text).toContain('<Code>IncompleteBody</Code>')
    const [, requestId] = /x-amz-request-id: (\w+)\r\n/.exec(text) ?? []
    expect(text).toContain(`<RequestId>${requestId}</RequestId>`)
    expect((await test.raw({ method: 'HEAD', key: 'cut' })).status).toBe(404)
  })
})
