import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  GetObjectAclCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusal } from '../support/object-house.ts'
import { outcome, replyOf, startRaw } from '../support/raw-s3.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('classic')
})
afterAll(() => test[Symbol.asyncDispose]())

/** Nobody in particular asks, is let in, and sends the body after what is done in between. */
async function put(target: string, body: string, between: () => Promise<unknown> = async () => {}): Promise<string> {
  const headers = {
    expect: '100-continue',
    'content-length': String(Buffer.byteLength(body)),
    'content-md5': createHash('md5').update(body).digest('base64'),
  }
  const outgoing = startRaw(test.house.s3Url, { method: 'PUT', target, headers })
  outgoing.flushHeaders()
  const reply = replyOf(outgoing)
  await Promise.race([once(outgoing, 'continue'), reply])
  await between()
  outgoing.end(body)
  return outcome(await reply)
}

const replace = (Bucket: string) => test.main.send(new PutObjectCommand({ Bucket, Key: 'cat', Body: 'another' }))

describe('a right to one object, used with a body that takes its time, is none to another in its place', () => {
  it('to change its ACL', async () => {
    const bucket = await test.bucket({ ObjectOwnership: 'ObjectWriter' })
    const everybody = 'uri=http://acs.amazonaws.com/groups/global/AllUsers'
    await test.main.send(new PutObjectAclCommand({ Bucket: bucket, Key: 'cat', GrantWriteACP: everybody }))
    const { Owner } = await test.main.send(new GetObjectAclCommand({ Bucket: bucket, Key: 'cat' }))
    const grantee =
      '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>'
    const acl = (...permissions: readonly string[]) =>
      `<AccessControlPolicy><Owner><ID>${Owner?.ID}</ID></Owner><AccessControlList>${permissions
        .map((one) => `<Grant>${grantee}<Permission>${one}</Permission></Grant>`)
        .join('')}</AccessControlList></AccessControlPolicy>`
    expect(await put(`/${bucket}/cat?acl`, acl('WRITE_ACP'))).toBe('200')
    expect(await put(`/${bucket}/cat?acl`, acl('READ'), () => replace(bucket))).toBe('403 AccessDenied')
    expect(await test.anonymous('GET', `/${bucket}/cat`)).toBe('403 AccessDenied')
  })

  it.each([
    [
      'retain it',
      'PutObjectRetention',
      'retention',
      '<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate></Retention>',
    ],
    ['hold it', 'PutObjectLegalHold', 'legal-hold', '<LegalHold><Status>ON</Status></LegalHold>'],
  ])('to %s', async (_, action, query, body) => {
    const Bucket = await test.bucket({ ObjectLockEnabledForBucket: true })
    const tag = () =>
      test.main.send(
        new PutObjectTaggingCommand({ Bucket, Key: 'cat', Tagging: { TagSet: [{ Key: 'lock', Value: 'ok' }] } }),
      )
    await tag()
    await test.policy(Bucket, {
      ...{ Action: `s3:${action}`, Condition: { StringEquals: { 's3:ExistingObjectTag/lock': 'ok' } } },
    })
    const target = `/${Bucket}/cat?${query}`
    expect(await put(target, body, () => replace(Bucket))).toBe('403 AccessDenied')
    const where = { Bucket, Key: 'cat' }
    expect(await refusal(test.main.send(new GetObjectRetentionCommand(where)))).toMatch(/^404/)
    expect(await refusal(test.main.send(new GetObjectLegalHoldCommand(where)))).toMatch(/^404/)
    await tag()
    // Decided again, it may be allowed.
    expect(await put(target, body, () => replace(Bucket).then(tag))).toBe('200')
  })
})
