import { CreateBucketCommand, HeadBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHouse, type TestHouse } from '../support/house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

let test: TestHouse
beforeAll(async () => {
  test = await startHouse({ settings: { COFFER_S3_REGION: 'eu-central-1' } })
  await test.client().send(new CreateBucketCommand({ Bucket: 'here' }))
})
afterAll(() => test[Symbol.asyncDispose]())

const head = (path: string) => sendRaw(test.s3Url, { method: 'HEAD', path })

describe('HeadBucket', () => {
  it('says that the bucket is there, and in which region', async () => {
    const { BucketRegion } = await test.client().send(new HeadBucketCommand({ Bucket: 'here' }))
    expect(BucketRegion).toBe('eu-central-1')
  })

  it('answers with a trailing slash too', async () => {
    expect(outcome(await head('/here/'))).toBe('200')
  })

  it('says nothing of a root key when the bucket has none of its owner’s', async () => {
    const { headers, body } = await head('/here')
    expect(Object.keys(headers).filter((name) => name.startsWith('ibm-'))).toEqual([])
    expect(body.length).toBe(0)
  })

  it('answers 404 without a body for a bucket that is not there', async () => {
    const reply = await head('/nowhere')
    expect(reply.status).toBe(404)
    expect(reply.body.length).toBe(0)
    expect(reply.headers['x-amz-request-id']).toBeTruthy()
  })

  it('tells one request from another', async () => {
    const [first, second] = [await head('/here'), await head('/here')]
    expect(first.headers['x-amz-request-id']).not.toBe(second.headers['x-amz-request-id'])
  })

  it('has no HEAD of the service', async () => {
    expect(outcome(await head('/'))).toBe('405')
  })
})
