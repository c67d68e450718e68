import { GetBucketVersioningCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const raw = (body: string, headers: Record<string, string> = {}) =>
  test.raw({ method: 'PUT', key: '', query: { versioning: '' }, body: Buffer.from(body), headers })
const configuration = (inside: string): string =>
  `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</VersioningConfiguration>`

describe('PutBucketVersioning and GetBucketVersioning', () => {
  it('say nothing of a bucket that never had versioning', async () => {
    const { s3, bucket } = test
    const reply = await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }))
    expect(reply.Status).toBeUndefined()
    const text = await test.raw({ method: 'GET', key: '', query: { versioning: '' } })
    expect(text.body.toString()).toContain(
      '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></VersioningConfiguration>',
    )
  })

  it('enable, suspend and enable again, and say so', async () => {
    const { s3, bucket } = test
    for (const Status of ['Enabled', 'Enabled', 'Suspended', 'Enabled'] as const) {
      await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }))
      expect(await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }))).toMatchObject({ Status })
    }
  })

  it.each([
    ['no status', configuration(''), '400 IllegalVersioningConfigurationException'],
    ['an unknown status', configuration('<Status>enabled</Status>'), '400 MalformedXML'],
    ['an unknown element', configuration('<Status>Enabled</Status><State/>'), '400 MalformedXML'],
    ['another document', '<Versioning><Status>Enabled</Status></Versioning>', '400 MalformedXML'],
    ['no document', '', '400 MalformedXML'],
    ['MFA delete', configuration('<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>'), '501 NotImplemented'],
  ])('refuse %s', async (_, body, expected) => {
    const reply = await raw(body)
    expect(`${reply.status} ${/<Code>(.*?)<\/Code>/.exec(reply.body.toString())?.[1]}`).toBe(expected)
  })

  it('take that MFA delete is off', async () => {
    expect((await raw(configuration('<Status>Enabled</Status><MfaDelete>Disabled</MfaDelete>'))).status).toBe(200)
  })

  it('know no bucket that is not there', async () => {
    const of = { Bucket: 'not-there', VersioningConfiguration: { Status: 'Enabled' } } as const
    expect(await refusal(test.s3.send(new PutBucketVersioningCommand(of)))).toBe('404 NoSuchBucket')
    expect(await refusal(test.s3.send(new GetBucketVersioningCommand(of)))).toBe('404 NoSuchBucket')
  })
})
