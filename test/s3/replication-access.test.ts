import { CopyObjectCommand, GetObjectCommand, PutObjectAclCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusal } from '../support/object-house.ts'
import { bytesOf, head, isDone, PATIENCE, replicate, rule, statusOf, versioned } from '../support/replication.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

const arnOf = (bucket: string) => `arn:aws:s3:::${bucket}`
const both = (bucket: string) => [arnOf(bucket), `${arnOf(bucket)}/*`]

let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('classic')
})
afterAll(() => test[Symbol.asyncDispose]())

const ids = { made: 0 }
/** A bucket and the one that it is replicated to, both of the main account. */
async function pair() {
  const [from, to] = [`from-${++ids.made}`, `to-${ids.made}`]
  for (const bucket of [from, to]) await versioned(test.main, bucket)
  return { from, to }
}
const put = (Bucket: string, Key: string, s3 = test.main) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
const isFailed = (bucket: string, key: string, s3 = test.main) =>
  expect.poll(() => statusOf(s3, bucket, key), PATIENCE).toBe('FAILED')

describe('An object of another account in a bucket with ACLs', () => {
  it('is replicated only once its owner lets the bucket’s owner read it', async () => {
    const { from, to } = await pair()
    await test.policy(from, { Action: '*', Resource: both(from) })
    await replicate(test.main, from, rule(arnOf(to)))
    await put(from, 'theirs', test.other)
    const copy = { Bucket: to, Key: 'copy', CopySource: `${from}/theirs` }
    expect(await refusal(test.main.send(new GetObjectCommand({ Bucket: from, Key: 'theirs' })))).toBe(
      '403 AccessDenied',
    )
    expect(await refusal(test.main.send(new CopyObjectCommand(copy)))).toBe('403 AccessDenied')
    await isFailed(from, 'theirs', test.other)
    expect(await refusal(head(test.main, to, 'theirs'))).toBe('404 NotFound')
    const acl = { Bucket: from, Key: 'theirs', ACL: 'bucket-owner-read' } as const
    await test.other.send(new PutObjectAclCommand(acl))
    await isDone(test.other, from, 'theirs')
    expect((await bytesOf(test.main, to, 'theirs')).toString()).toBe('theirs')
  })

  it('does not keep the bucket from being replicated by its name', async () => {
    const { from, to } = await pair()
    await test.policy(from, { Action: '*', Resource: both(from) })
    await put(from, '*', test.other)
    await replicate(test.main, from, rule(arnOf(to)))
    await put(from, 'own')
    await isDone(test.main, from, 'own')
  })
})
