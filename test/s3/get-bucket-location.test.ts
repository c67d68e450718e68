import { GetBucketLocationCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHouse, type TestHouse } from '../support/house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

let test: TestHouse
beforeAll(async () => {
  test = await startHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const at = (location: string) =>
  `<CreateBucketConfiguration><LocationConstraint>${location}</LocationConstraint></CreateBucketConfiguration>`

const make = async (bucket: string, location: string) =>
  expect(
    outcome(await sendRaw(test.s3Url, { method: 'PUT', path: `/${bucket}`, ...(location && { body: at(location) }) })),
  ).toBe('200')

describe('GetBucketLocation', () => {
  it.each(['eu-west-1', 'us-south-standard', 'eu-de', 'EU'])('gives back %s', async (location) => {
    const bucket = `in-${location.toLowerCase()}`
    await make(bucket, location)
    const { LocationConstraint } = await test.client().send(new GetBucketLocationCommand({ Bucket: bucket }))
    expect(LocationConstraint).toBe(location)
  })

  it.each([
    ['default-location', ''],
    ['us-east-1-location', 'us-east-1'],
  ])('spells us-east-1 as nothing (%s)', async (bucket, location) => {
    await make(bucket, location)
    const { LocationConstraint } = await test.client().send(new GetBucketLocationCommand({ Bucket: bucket }))
    expect(LocationConstraint ?? '').toBe('')
  })

  it('is read by a client that takes it with a greedy regular expression', async () => {
    await make('for-ibm', 'us-south-smart')
    const reply = await sendRaw(test.s3Url, { method: 'GET', path: '/for-ibm', query: { location: '' } })
    expect(/>(.+)<\/Location/.exec(reply.body.toString())?.[1]).toBe('us-south-smart')
    expect(reply.headers['content-type']).toBe('application/xml')
  })

  it('answers 404 for a bucket that is not there', async () => {
    const reply = await sendRaw(test.s3Url, { method: 'GET', path: '/nowhere', query: { location: '' } })
    expect(outcome(reply)).toBe('404 NoSuchBucket')
  })

  it('is not set or deleted', async () => {
    for (const method of ['PUT', 'DELETE', 'POST', 'HEAD']) {
      const reply = await sendRaw(test.s3Url, { method, path: '/for-ibm', query: { location: '' } })
      expect([method, reply.status]).toEqual([method, 405])
    }
    expect(outcome(await sendRaw(test.s3Url, { method: 'HEAD', path: '/for-ibm' }))).toBe('200')
  })
})
