import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { queryApi } from '../support/query-api.ts'
import { isDone, PATIENCE, replicate, rule, statusOf, versioned } from '../support/replication.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

const arnOf = (bucket: string) => `arn:aws:s3:::${bucket}`
let test: SharedHouse
beforeEach(async () => {
  test = await startSharedHouse('aws')
})
afterEach(() => test[Symbol.asyncDispose]())

/** May do everything but read what is secret. */
async function user(): Promise<S3Client> {
  const iam = queryApi(test.house.s3Url, 'iam')
  const UserName = 'mallory'
  await iam('CreateUser', { UserName })
  const key = await iam('CreateAccessKey', { UserName })
  const Statement = [
    { Effect: 'Allow', Action: 's3:*', Resource: '*' },
    { Effect: 'Deny', Action: 's3:Get*', Resource: 'arn:aws:s3:::*/secret/*' },
  ]
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
  await iam('PutUserPolicy', { UserName, PolicyName: 'p', PolicyDocument })
  const credentials = { accessKeyId: key.text('AccessKeyId'), secretAccessKey: key.text('SecretAccessKey') }
  return test.house.client(mainAccount, { credentials })
}

it('Hundreds of objects that are refused keep nobody waiting, in their bucket or in another', async () => {
  const mallory = await user()
  for (const bucket of ['from-here', 'to-there']) await versioned(test.main, bucket)
  for (const bucket of ['their-from', 'their-to']) await versioned(test.other, bucket)
  await replicate(mallory, 'from-here', rule(arnOf('to-there')))
  await replicate(test.other, 'their-from', rule(arnOf('their-to')))
  const put = (s3: S3Client, Bucket: string, Key: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
  for (let n = 0; n < 240; n += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, index) => put(test.main, 'from-here', `secret/${n + index}`)))
  }
  await expect.poll(() => statusOf(test.main, 'from-here', 'secret/239'), PATIENCE).toBe('FAILED')
  await put(test.other, 'their-from', 'key')
  await put(test.main, 'from-here', 'open')
  await isDone(test.other, 'their-from', 'key')
  await isDone(test.main, 'from-here', 'open')
}, 60_000)
