import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UNIMPLEMENTED } from '../../src/api/s3/unimplemented.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
  await test.put('key', 'kept')
})
afterAll(() => test[Symbol.asyncDispose]())

const PATHS = { service: '/', bucket: '/objects', object: '/objects/key' } as const
const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const
const KINDS = ['service', 'bucket', 'object'] as const
const rows = KINDS.flatMap((kind) => Object.keys(UNIMPLEMENTED[kind]).map((name) => ({ kind, name })))

describe('What Coffer does not have', () => {
  it('is a long list', () => {
    expect(rows.length).toBeGreaterThan(10)
  })

  it.each(rows)('?$name of a $kind is refused by its own name, and done by no other', async ({ kind, name }) => {
    const operations = UNIMPLEMENTED[kind][name] ?? {}
    for (const method of METHODS) {
      const found = operations[method]
      const ways =
        typeof found === 'object' ? { [found.all]: {}, [found.one]: { [found.by]: 'x' } } : { [found ?? '']: {} }
      for (const [value, [operation, more]] of ['', 'value'].flatMap((value) =>
        Object.entries(ways).map((way) => [value, way] as const),
      )) {
        const query = { [name]: value, ...more }
        const reply = await sendRaw(test.s3Url, { method, path: PATHS[kind], query })
        const expected = found === undefined ? '405 MethodNotAllowed' : '501 NotImplemented'
        if (method === 'HEAD') expect(`${method} ${reply.status}`).toBe(`HEAD ${expected.slice(0, 3)}`)
        else expect(`${method} ${outcome(reply)}`).toBe(`${method} ${expected}`)
        if (found === undefined) expect(reply.headers['allow']).toBe(Object.keys(operations).sort().join(', '))
        else if (method !== 'HEAD') expect(reply.body.toString()).toContain(`${operation} is not`)
      }
    }
    expect((await test.get('key')).bytes.toString()).toBe('kept')
  })

  it('is no bucket by the name of an operation', async () => {
    const headers = { 'x-amz-request-route': 'route', 'x-amz-request-token': 'token' }
    const reply = await sendRaw(test.s3Url, { method: 'POST', path: '/WriteGetObjectResponse', headers })
    expect(outcome(reply)).toBe('501 NotImplemented')
    expect(reply.body.toString()).toContain('WriteGetObjectResponse is not')
  })

  it.each([['x-amz-mfa', 'serial 123456']])('is not silently left out of a PUT: %s', async (name, value) => {
    const reply = await test.raw({ method: 'PUT', key: 'refused', body: 'x', headers: { [name]: value } })
    expect(outcome(reply)).toBe('501 NotImplemented')
    expect((await test.raw({ method: 'HEAD', key: 'refused' })).status).toBe(404)
  })
})
