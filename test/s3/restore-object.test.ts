import { RestoreObjectCommand, type RestoreRequest } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
  await test.put('key', 'kept')
})
afterAll(() => test[Symbol.asyncDispose]())

const restore = (Key: string, request: RestoreRequest) =>
  refusal(test.s3.send(new RestoreObjectCommand({ Bucket: test.bucket, Key, RestoreRequest: request })))
const raw = (body: string) => test.raw({ method: 'POST', key: 'key', query: { restore: '' }, body })

describe('RestoreObject', () => {
  it('is not for what can be read at once', async () => {
    const request = { Days: 1, GlacierJobParameters: { Tier: 'Standard' as const } }
    expect(await restore('key', request)).toBe('403 InvalidObjectState')
    const reply = await raw('<RestoreRequest><Days>1</Days></RestoreRequest>')
    expect(reply.body.toString()).toContain('<StorageClass>STANDARD</StorageClass>')
    expect((await test.get('key')).bytes.toString()).toBe('kept')
  })

  it('of what is not there is an error', async () => {
    expect(await restore('missing', { Days: 1 })).toBe('404 NoSuchKey')
  })

  it('of a part of its content is refused by name', async () => {
    expect(outcome(await raw('<RestoreRequest><Type>SELECT</Type><SelectParameters/></RestoreRequest>'))).toBe(
      '501 NotImplemented',
    )
  })

  it.each([
    '',
    '<RestoreRequest><Days>0</Days></RestoreRequest>',
    '<RestoreRequest><Colour/></RestoreRequest>',
    '<Other/>',
  ])('is malformed: %s', async (body) => {
    expect(outcome(await raw(body))).toBe('400 MalformedXML')
  })
})
