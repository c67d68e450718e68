import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHouse, type TestHouse } from '../support/house.ts'
import { outcome, replyOf, startRaw } from '../support/raw-s3.ts'

let test: TestHouse
beforeAll(async () => {
  test = await startHouse()
  await test.client().send(new CreateBucketCommand({ Bucket: 'bucket' }))
})
afterAll(() => test[Symbol.asyncDispose]())

const preflight = async (target: string, headers: Record<string, string>) => {
  const outgoing = startRaw(test.s3Url, { method: 'OPTIONS', target, headers })
  outgoing.end()
  return replyOf(outgoing)
}
const ORIGIN = { origin: 'https://example.com' }

describe('A CORS preflight', () => {
  it.each(['/bucket', '/bucket/key', '/', '/nowhere/key'])(
    'of %s is answered without credentials: not allowed',
    async (target) => {
      const reply = await preflight(target, { ...ORIGIN, 'access-control-request-method': 'PUT' })
      expect(outcome(reply)).toBe('403 AccessForbidden')
      expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    },
  )

  it('tells nothing of whether a bucket is there', async () => {
    const asked = { ...ORIGIN, 'access-control-request-method': 'GET' }
    const [here, nowhere] = [await preflight('/bucket/k', asked), await preflight('/nowher/k', asked)]
    const text = ({ body }: { body: Buffer }) => body.toString().replace(/<(RequestId|Resource)>[^<]*/g, '')
    expect(text(here)).toBe(text(nowhere))
  })

  it('needs an origin', async () => {
    expect(outcome(await preflight('/bucket', { 'access-control-request-method': 'PUT' }))).toBe('400 BadRequest')
  })

  it.each([undefined, '', 'PATCH', 'put', 'PUT, GET'])('needs a method that S3 has, not %s', async (method) => {
    const headers = { ...ORIGIN, ...(method === undefined ? {} : { 'access-control-request-method': method }) }
    expect(outcome(await preflight('/bucket', headers))).toBe('400 BadRequest')
  })

  it('takes * for a target', async () => {
    expect(outcome(await preflight('*', ORIGIN))).toBe('400 BadRequest')
  })
})
