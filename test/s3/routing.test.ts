import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../src/api/s3/operations/index.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
  await test.put('key', 'kept')
})
afterAll(() => test[Symbol.asyncDispose]())

const send = async (method: string, path: string, query: Record<string, string> = {}) =>
  outcome(await sendRaw(test.s3Url, { method, path, query }))
const kept = async () => (await test.get('key')).bytes.toString()

describe('A request', () => {
  it.each(['PATCH', 'TRACE', 'PROPFIND', 'MKCOL', 'LOCK', 'SEARCH', 'PURGE'])(
    'with the method %s has no operation',
    async (method) => {
      for (const path of ['/', '/objects', '/objects/key']) {
        expect(await send(method, path)).toBe('405 MethodNotAllowed')
      }
      expect(await kept()).toBe('kept')
    },
  )

  it.each([
    ['PUT', '/'],
    ['DELETE', '/'],
    ['POST', '/'],
    ['POST', '/objects/key'],
  ])('%s %s has no operation', async (method, path) => {
    expect(await send(method, path)).toBe('405 MethodNotAllowed')
  })

  it('with a subresource of one method never falls through to the plain operation of another', async () => {
    const cases: [string, string, Record<string, string>][] = [
      ['PUT', '/objects', { uploads: '' }],
      ['DELETE', '/objects', { uploads: '' }],
      ['GET', '/objects', { delete: '' }],
      ['PUT', '/objects', { delete: '' }],
      ['DELETE', '/objects', { delete: '' }],
      ['DELETE', '/objects', { location: '' }],
      ['GET', '/objects/key', { uploads: '' }],
      ['PUT', '/objects/key', { uploads: '' }],
      ['DELETE', '/objects/key', { uploads: '' }],
      ['HEAD', '/objects/key', { uploadId: 'x' }],
    ]
    for (const [method, path, query] of cases) {
      expect([method, path, query, await send(method, path, query)]).toEqual([
        method,
        path,
        query,
        method === 'HEAD' ? '405' : '405 MethodNotAllowed',
      ])
    }
    expect(await kept()).toBe('kept')
  })

  it.each<[string, string, Record<string, string>, Record<string, string>, string]>([
    ['PutObject', 'PUT', { versionId: 'null' }, {}, 'versionId'],
    ['PutObject', 'PUT', { versionId: '' }, {}, 'versionId'],
    ['PutObject', 'PUT', { versionId: 'v'.repeat(32) }, {}, 'versionId'],
    ['PutObject', 'PUT', { partNumber: '1' }, {}, 'partNumber'],
    ['PutObject', 'PUT', { uploadId: 'x' }, {}, 'uploadId'],
    ['CopyObject', 'PUT', { versionId: 'null' }, { 'x-amz-copy-source': 'objects/other' }, 'versionId'],
    ['CopyObject', 'PUT', { partNumber: '1' }, { 'x-amz-copy-source': 'objects/other' }, 'partNumber'],
    ['CopyObject', 'PUT', { uploadId: 'x' }, { 'x-amz-copy-source': 'objects/other' }, 'uploadId'],
    ['UploadPart', 'PUT', { partNumber: '1', uploadId: 'x', versionId: 'null' }, {}, 'versionId'],
    ['CreateMultipartUpload', 'POST', { uploads: '', versionId: 'null' }, {}, 'versionId'],
    ['CompleteMultipartUpload', 'POST', { uploadId: 'x', versionId: 'null' }, {}, 'versionId'],
    ['DeleteObject', 'DELETE', { partNumber: '1' }, {}, 'partNumber'],
  ])('%s refuses a selector of another operation: %s %j', async (_, method, query, headers, name) => {
    await test.put('other', 'other')
    const reply = await sendRaw(test.s3Url, { method, path: '/objects/key', query, headers, body: 'x' })
    expect(outcome(reply)).toBe('400 InvalidArgument')
    expect(reply.body.toString()).toContain(`<ArgumentName>${name}</ArgumentName>`)
    expect(reply.body.toString()).toContain(`<ArgumentValue>${query[name]}</ArgumentValue>`)
    expect(await kept()).toBe('kept')
  })

  it('with a parameter that S3 does not know is the plain operation', async () => {
    for (const name of ['x-id', 'foo', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'X']) {
      expect([name, await send('GET', '/objects', { [name]: '' })]).toEqual([name, '200'])
      expect([name, await send('GET', '/objects/key', { [name]: 'y' })]).toEqual([name, '200'])
    }
  })

  it('is chosen by exact names: a subresource in another case is none', async () => {
    const reply = await sendRaw(test.s3Url, { method: 'GET', path: '/objects', query: { LOCATION: '' } })
    expect(reply.body.toString()).toContain('<ListBucketResult')
  })

  it('of a bucket may end with a slash', async () => {
    const reply = await sendRaw(test.s3Url, { method: 'GET', path: '/objects/' })
    expect(reply.body.toString()).toContain('<Key>key</Key>')
  })

  it('without an object name is one of the bucket, never of all objects', async () => {
    expect(await send('DELETE', '/objects/')).toBe('409 BucketNotEmpty')
    expect(await kept()).toBe('kept')
  })

  it('that names an operation by a query and is not signed for it does nothing', async () => {
    expect(OPERATIONS.map(({ name }) => name)).toContain('DeleteObjects')
    expect(await send('POST', '/objects', { delete: '' })).toMatch(/^400 /)
    expect(await kept()).toBe('kept')
  })
})
