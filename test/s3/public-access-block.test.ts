import {
  DeletePublicAccessBlockCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  PutBucketAclCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusal } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('classic')
})
afterAll(() => test[Symbol.asyncDispose]())

const NOTHING = {
  ...{ BlockPublicAcls: false, IgnorePublicAcls: false },
  ...{ BlockPublicPolicy: false, RestrictPublicBuckets: false },
}
const block = (Bucket: string, PublicAccessBlockConfiguration: object) =>
  test.main.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))
const blocked = async (Bucket: string) =>
  (await test.main.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration

describe('public access block', () => {
  it('is set, told and removed; what is left out is off', async () => {
    const Bucket = await test.bucket()
    expect(await refusal(blocked(Bucket))).toBe('404 NoSuchPublicAccessBlockConfiguration')
    await block(Bucket, { BlockPublicPolicy: true })
    expect(await blocked(Bucket)).toEqual({ ...NOTHING, BlockPublicPolicy: true })
    const gone = await test.main.send(new DeletePublicAccessBlockCommand({ Bucket }))
    expect(gone.$metadata.httpStatusCode).toBe(204)
    expect(await refusal(blocked(Bucket))).toBe('404 NoSuchPublicAccessBlockConfiguration')
  })

  it.each(['', '<PublicAccessBlockConfiguration><Nonsense/></PublicAccessBlockConfiguration>', '<X/>'])(
    'refuses the document %j',
    async (body) => {
      const Bucket = await test.bucket()
      const query = { publicAccessBlock: '' }
      expect(outcome(await sendRaw(test.house.s3Url, { method: 'PUT', path: `/${Bucket}`, query, body }))).toBe(
        '400 MalformedXML',
      )
    },
  )

  it('blocks new public ACLs and policies', async () => {
    const Bucket = await test.bucket()
    await block(Bucket, { BlockPublicAcls: true, BlockPublicPolicy: true })
    const puts = [
      () => test.main.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' })),
      () => test.main.send(new PutObjectAclCommand({ Bucket, Key: 'cat', ACL: 'authenticated-read' })),
      () => test.main.send(new PutObjectCommand({ Bucket, Key: 'cat', Body: 'x', ACL: 'public-read' })),
    ]
    for (const put of puts) expect(await refusal(put())).toBe('403 AccessDenied')
    expect(await refusal(test.policy(Bucket, {}))).toBe('403 AccessDenied')
    for (const network of ['10.0.0.0/0', '127.0.0.1/0', 'fc00::/0', '::ffff:0:0/96']) {
      const open = { Condition: { IpAddress: { 'aws:SourceIp': network } } }
      expect(await refusal(test.policy(Bucket, open))).toBe('403 AccessDenied')
    }
    expect(await refusal(test.main.send(new PutBucketAclCommand({ Bucket, ACL: 'private' })))).toBe('200')
  })

  it('ignores public ACLs that are there', async () => {
    const Bucket = await test.bucket({ ACL: 'public-read' })
    await test.main.send(new PutObjectAclCommand({ Bucket, Key: 'cat', ACL: 'public-read' }))
    const seen = async () => [
      await test.anonymous('GET', `/${Bucket}`),
      await test.anonymous('GET', `/${Bucket}/cat`),
      await refusal(test.other.send(new GetObjectCommand({ Bucket, Key: 'cat' }))),
    ]
    expect(await seen()).toEqual(['200', '200', '200'])
    await block(Bucket, { IgnorePublicAcls: true })
    expect(await seen()).toEqual(['403 AccessDenied', '403 AccessDenied', '403 AccessDenied'])
  })

  it('keeps other accounts out of a bucket with a public policy', async () => {
    const Bucket = await test.bucket()
    await test.policy(Bucket, {})
    await block(Bucket, { RestrictPublicBuckets: true })
    expect(await test.anonymous('GET', `/${Bucket}/cat`)).toBe('403 AccessDenied')
    expect(await refusal(test.other.send(new GetObjectCommand({ Bucket, Key: 'cat' })))).toBe('403 AccessDenied')
    expect(await refusal(test.main.send(new GetObjectCommand({ Bucket, Key: 'cat' })))).toBe('200')
  })

  it('is on for a bucket as AWS makes it', async () => {
    await using closed = await startSharedHouse('aws')
    const Bucket = await closed.bucket()
    const { PublicAccessBlockConfiguration: all } = await closed.main.send(new GetPublicAccessBlockCommand({ Bucket }))
    expect(Object.values(all ?? {})).toEqual([true, true, true, true])
  })
})
