import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketTaggingCommand,
  GetBucketTaggingCommand,
  PutBucketTaggingCommand,
  type Tag,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const put = (TagSet: Tag[]) => test.s3.send(new PutBucketTaggingCommand({ Bucket: test.bucket, Tagging: { TagSet } }))
const get = async (Bucket = test.bucket) => (await test.s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet
const numbered = (count: number): Tag[] => Array.from({ length: count }, (_, n) => ({ Key: `k${n}`, Value: `${n}` }))

describe('tags of a bucket', () => {
  it('are set, told, replaced and removed', async () => {
    expect(await refusal(get())).toBe('404 NoSuchTagSet')
    const tags = [
      { Key: 'Hello', Value: 'World' },
      { Key: 'a', Value: '' },
    ]
    expect((await put(tags)).$metadata.httpStatusCode).toBe(204)
    expect(await get()).toEqual(tags)
    await put(numbered(50))
    expect(await get()).toEqual(numbered(50))
    const gone = await test.s3.send(new DeleteBucketTaggingCommand({ Bucket: test.bucket }))
    expect(gone.$metadata.httpStatusCode).toBe(204)
    expect(await refusal(get())).toBe('404 NoSuchTagSet')
  })

  it('are none when an empty set is put', async () => {
    await put(numbered(1))
    await put([])
    expect(await refusal(get())).toBe('404 NoSuchTagSet')
  })

  it('are at most 50, and refused as those of objects are', async () => {
    await put(numbered(1))
    expect(await refusal(put(numbered(51)))).toBe('400 BadRequest')
    expect(await refusal(put([{ Key: 'k'.repeat(129), Value: '' }]))).toBe('400 InvalidTag')
    expect(await refusal(put([...numbered(1), ...numbered(1)]))).toBe('400 InvalidTag')
    const raw = await sendRaw(test.s3Url, {
      method: 'PUT',
      path: '/objects',
      query: { tagging: '' },
      body: '<Tagging/>',
    })
    expect(outcome(raw)).toBe('400 MalformedXML')
    expect(await get()).toEqual(numbered(1))
  })

  it('are none of a new bucket of the same name', async () => {
    const Bucket = 'again'
    await test.s3.send(new CreateBucketCommand({ Bucket }))
    await test.s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: numbered(2) } }))
    await test.s3.send(new DeleteBucketCommand({ Bucket }))
    expect(await refusal(get(Bucket))).toBe('404 NoSuchBucket')
    await test.s3.send(new CreateBucketCommand({ Bucket }))
    expect(await refusal(get(Bucket))).toBe('404 NoSuchTagSet')
  })
})
