import {
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw, sha256 } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const put = (...Rules: LifecycleRule[]) =>
  test.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket: test.bucket, LifecycleConfiguration: { Rules } }))
const get = async () => test.s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: test.bucket }))
const rules = async () => (await get()).Rules
const expire = { Expiration: { Days: 1 }, Status: 'Enabled' } as const

/** A document as it stands, with the checksum that S3 wants. */
const putRaw = (inside: string, headers: Record<string, string> = {}) => {
  const body = `<LifecycleConfiguration>${inside}</LifecycleConfiguration>`
  const sum = { 'x-amz-checksum-sha256': Buffer.from(sha256(body), 'hex').toString('base64') }
  const path = `/${test.bucket}`
  return sendRaw(test.s3Url, { method: 'PUT', path, query: { lifecycle: '' }, body, headers: { ...sum, ...headers } })
}
const ruleOf = (inside: string) => `<Rule><Filter><Prefix>a</Prefix></Filter><Status>Enabled</Status>${inside}</Rule>`

describe('The lifecycle configuration of a bucket', () => {
  it('is not there until it was put, is what was put, and goes', async () => {
    expect(await refusal(get())).toBe('404 NoSuchLifecycleConfiguration')
    const given: LifecycleRule[] = [
      { ID: 'all of it', Filter: {}, ...expire },
      { ID: 'prefix', Filter: { Prefix: 'logs/' }, Status: 'Disabled', Expiration: { Days: 31 } },
      { ID: 'tag', Filter: { Tag: { Key: 'k', Value: 'v' } }, Status: 'Enabled', Expiration: { Days: 3 } },
      { ID: 'size', Filter: { ObjectSizeGreaterThan: 0 }, Status: 'Enabled', Expiration: { Days: 3 } },
      {
        ID: 'and',
        Filter: {
          And: {
            Prefix: 'p',
            Tags: [
              { Key: 'a', Value: '1' },
              { Key: 'b', Value: '' },
            ],
            ObjectSizeGreaterThan: 10,
            ObjectSizeLessThan: 20,
          },
        },
        Status: 'Enabled',
        Expiration: { Date: new Date('2030-01-01T00:00:00Z') },
      },
      {
        ID: 'versions',
        Filter: { Prefix: '' },
        Status: 'Enabled',
        Expiration: { ExpiredObjectDeleteMarker: true },
        NoncurrentVersionExpiration: { NoncurrentDays: 2, NewerNoncurrentVersions: 5 },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      },
    ]
    await put(...given)
    expect(await rules()).toEqual(given)
    await put({ ID: 'other', Prefix: 'old/', ...expire })
    expect(await rules()).toEqual([{ ID: 'other', Prefix: 'old/', ...expire }])
    const remove = () => test.s3.send(new DeleteBucketLifecycleCommand({ Bucket: test.bucket }))
    expect((await remove()).$metadata.httpStatusCode).toBe(204)
    expect(await refusal(get())).toBe('404 NoSuchLifecycleConfiguration')
    expect((await remove()).$metadata.httpStatusCode).toBe(204)
  })

  it('has an id for each rule, given or not', async () => {
    await put({ Prefix: 'a', ...expire }, { Prefix: 'b', ...expire })
    const ids = (await rules())?.map(({ ID }) => ID)
    expect(ids).toEqual([expect.stringMatching(/.+/), expect.stringMatching(/.+/)])
    expect(new Set(ids).size).toBe(2)
  })

  it('counts several conditions of a filter as one', async () => {
    const Filter = {
      Prefix: 'days1/',
      Tag: { Key: 'a', Value: '1' },
      And: { Prefix: 'days1', Tags: [{ Key: 'b', Value: '2' }] },
    }
    await put({ ID: 'x', Filter, ...expire })
    const Tags = [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ]
    expect(await rules()).toEqual([{ ID: 'x', Filter: { And: { Prefix: 'days1/', Tags } }, ...expire }])
  })

  it('says how small an object may be to move, when it was told', async () => {
    const name = 'x-amz-transition-default-minimum-object-size'
    const expiration = ruleOf('<Expiration><Days>1</Days></Expiration>')
    const stored = await putRaw(expiration, { [name]: 'varies_by_storage_class' })
    expect(stored.headers[name]).toBe('varies_by_storage_class')
    expect((await get()).TransitionDefaultMinimumObjectSize).toBe('varies_by_storage_class')
    expect((await putRaw(expiration)).headers[name]).toBeUndefined()
    expect((await get()).TransitionDefaultMinimumObjectSize).toBeUndefined()
    expect(outcome(await putRaw(expiration, { [name]: '1K' }))).toBe('400 InvalidArgument')
  })

  const days = (text: string) => ruleOf(`<Expiration><Days>${text}</Days></Expiration>`)
  const date = (text: string) => ruleOf(`<Expiration><Date>${text}</Date></Expiration>`)
  const filter = (inside: string) =>
    `<Rule><Filter>${inside}</Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>`
  const tag = (key: string, value = 'v') => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`
  const status = (text: string) =>
    `<Rule><Prefix>a</Prefix><Status>${text}</Status><Expiration><Days>1</Days></Expiration></Rule>`
  const twice = `<Rule><ID>x</ID><Prefix>a</Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>`

  it.each([
    ['no rule', '', '400 MalformedXML'],
    ['more than 1000 rules', days('1').repeat(1001), '400 MalformedXML'],
    ['an element that there is not', '<Policy/>', '400 MalformedXML'],
    ['a rule with an element that there is not', ruleOf('<Delete/>'), '400 MalformedXML'],
    ['a status in lower case', status('enabled'), '400 MalformedXML'],
    ['no status', status('').replace('<Status></Status>', ''), '400 MalformedXML'],
    ['neither filter nor prefix', status('Enabled').replace('<Prefix>a</Prefix>', ''), '400 MalformedXML'],
    ['filter and prefix', ruleOf('<Prefix>a</Prefix><Expiration><Days>1</Days></Expiration>'), '400 MalformedXML'],
    ['rules of both versions', `${status('Enabled')}${days('1')}`, '400 InvalidRequest'],
    ['the same id twice', twice + twice, '400 InvalidArgument'],
    ['an id that is too long', twice.replace('x', 'x'.repeat(256)), '400 InvalidArgument'],
    ['no action', ruleOf(''), '400 InvalidRequest'],
    ['no day', days('0'), '400 InvalidArgument'],
    ['days that are no number', days('one'), '400 MalformedXML'],
    ['more days than S3 counts', days('2147483648'), '400 MalformedXML'],
    ['days and a date', ruleOf('<Expiration><Days>1</Days><Date>2030-01-01</Date></Expiration>'), '400 MalformedXML'],
    ['a date at noon', date('2030-01-01T12:00:00Z'), '400 InvalidArgument'],
    ['a date that is none', date('20300101'), '400 MalformedXML'],
    ['a day that no calendar has', date('2030-02-31T00:00:00Z'), '400 MalformedXML'],
    ['an empty expiration', ruleOf('<Expiration/>'), '400 MalformedXML'],
    ['an And of one', filter(`<And>${tag('a')}</And>`), '400 MalformedXML'],
    ['a tag without a value', filter('<Tag><Key>a</Key></Tag>'), '400 MalformedXML'],
    ['a tag without a name', filter(tag('')), '400 InvalidTag'],
    ['a tag twice', filter(`<And>${tag('a')}${tag('a', 'w')}</And>`), '400 InvalidRequest'],
    [
      'sizes that no object has',
      filter('<And><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan><ObjectSizeLessThan>5</ObjectSizeLessThan></And>'),
      '400 InvalidRequest',
    ],
    [
      'an abort by tags',
      filter(tag('a')).replace(
        '<Expiration><Days>1</Days></Expiration>',
        '<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>',
      ),
      '400 InvalidRequest',
    ],
    [
      'an abort at once',
      ruleOf(
        '<AbortIncompleteMultipartUpload><DaysAfterInitiation>0</DaysAfterInitiation></AbortIncompleteMultipartUpload>',
      ),
      '400 InvalidArgument',
    ],
    [
      'delete markers by tags',
      filter(tag('a')).replace('<Days>1</Days>', '<ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>'),
      '400 InvalidRequest',
    ],
    [
      'more newer versions than S3 counts',
      ruleOf(
        '<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>101</NewerNoncurrentVersions></NoncurrentVersionExpiration>',
      ),
      '400 InvalidArgument',
    ],
    [
      'a class that nobody has',
      ruleOf('<Transition><Days>1</Days><StorageClass>ATTIC</StorageClass></Transition>'),
      '400 MalformedXML',
    ],
    [
      'a class that this server has not',
      ruleOf('<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>'),
      '400 InvalidStorageClass',
    ],
    [
      'a transition after the end',
      ruleOf(
        '<Transition><Days>9</Days><StorageClass>STANDARD</StorageClass></Transition><Expiration><Days>9</Days></Expiration>',
      ),
      '400 InvalidArgument',
    ],
    [
      'days and dates in one rule',
      ruleOf(
        '<Transition><Days>9</Days><StorageClass>STANDARD</StorageClass></Transition><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration>',
      ),
      '400 InvalidRequest',
    ],
  ])('is refused with %s, and stays what it was', async (_, inside, expected) => {
    await put({ ID: 'before', Filter: {}, ...expire })
    expect(outcome(await putRaw(inside))).toBe(expected)
    expect((await rules())?.map(({ ID }) => ID)).toEqual(['before'])
  })

  it('is refused without a digest, and with a wrong one', async () => {
    const body = `<LifecycleConfiguration>${days('1')}</LifecycleConfiguration>`
    const send = (headers: Record<string, string>) =>
      sendRaw(test.s3Url, { method: 'PUT', path: `/${test.bucket}`, query: { lifecycle: '' }, body, headers })
    expect(outcome(await send({}))).toBe('400 InvalidRequest')
    expect(outcome(await send({ 'content-md5': Buffer.alloc(16).toString('base64') }))).toBe('400 BadDigest')
  })

  it('is of a bucket that there is', async () => {
    const nowhere = { Bucket: 'no-such-bucket' }
    expect(await refusal(test.s3.send(new GetBucketLifecycleConfigurationCommand(nowhere)))).toBe('404 NoSuchBucket')
    expect(await refusal(test.s3.send(new DeleteBucketLifecycleCommand(nowhere)))).toBe('404 NoSuchBucket')
  })
})
