import {
  type AnalyticsConfiguration,
  DeleteBucketAnalyticsConfigurationCommand,
  DeleteBucketIntelligentTieringConfigurationCommand,
  DeleteBucketMetricsConfigurationCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketAnalyticsConfigurationCommand,
  GetBucketIntelligentTieringConfigurationCommand,
  GetBucketMetricsConfigurationCommand,
  GetBucketRequestPaymentCommand,
  type IntelligentTieringConfiguration,
  ListBucketAnalyticsConfigurationsCommand,
  ListBucketIntelligentTieringConfigurationsCommand,
  ListBucketMetricsConfigurationsCommand,
  type MetricsConfiguration,
  PutBucketAccelerateConfigurationCommand,
  PutBucketAnalyticsConfigurationCommand,
  PutBucketIntelligentTieringConfigurationCommand,
  PutBucketMetricsConfigurationCommand,
  PutBucketRequestPaymentCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const Bucket = 'objects'
const TAG = { Key: 'class', Value: 'a' }
const putRaw = (query: Record<string, string>, body: string) =>
  sendRaw(test.s3Url, { method: 'PUT', path: '/objects', query, body })

describe('who pays for requests', () => {
  const put = (Payer: 'Requester' | 'BucketOwner') =>
    test.s3.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration: { Payer } }))
  const get = async () => (await test.s3.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer

  it('is the owner, and whoever is set', async () => {
    expect(await get()).toBe('BucketOwner')
    await put('Requester')
    expect(await get()).toBe('Requester')
    await put('BucketOwner')
    expect(await get()).toBe('BucketOwner')
    expect(await refusal(put('Nobody' as 'Requester'))).toBe('400 MalformedXML')
  })

  it('may be agreed to, and nobody is charged', async () => {
    await put('Requester')
    await test.put('paid', 'x')
    const reply = await test.raw({ method: 'GET', key: 'paid', headers: { 'x-amz-request-payer': 'requester' } })
    expect([outcome(reply), reply.headers['x-amz-request-charged']]).toEqual(['200', undefined])
  })
})

describe('transfer acceleration', () => {
  const put = (Status: 'Enabled' | 'Suspended') =>
    test.s3.send(new PutBucketAccelerateConfigurationCommand({ Bucket, AccelerateConfiguration: { Status } }))
  const get = async () => (await test.s3.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status

  it('can be suspended; enabling it is refused by name', async () => {
    expect(await get()).toBeUndefined()
    expect(await refusal(put('Enabled'))).toBe('501 NotImplemented')
    expect(await get()).toBeUndefined()
    await put('Suspended')
    expect(await get()).toBe('Suspended')
    expect(await refusal(put('Enabled'))).toBe('501 NotImplemented')
    expect(await get()).toBe('Suspended')
    expect(outcome(await putRaw({ accelerate: '' }, '<AccelerateConfiguration/>'))).toBe('400 MalformedXML')
  })
})

/** The three kinds that a bucket has many of, each by its id. */
const KINDS = {
  metrics: {
    put: (id: string, more: Partial<MetricsConfiguration> = {}) =>
      test.s3.send(
        new PutBucketMetricsConfigurationCommand({ Bucket, Id: id, MetricsConfiguration: { Id: id, ...more } }),
      ),
    get: async (Id: string) =>
      (await test.s3.send(new GetBucketMetricsConfigurationCommand({ Bucket, Id }))).MetricsConfiguration,
    remove: (Id: string) => test.s3.send(new DeleteBucketMetricsConfigurationCommand({ Bucket, Id })),
    list: async (ContinuationToken?: string) => {
      const page = await test.s3.send(new ListBucketMetricsConfigurationsCommand({ Bucket, ContinuationToken }))
      return { ...page, items: page.MetricsConfigurationList ?? [] }
    },
    bare: {},
  },
  analytics: {
    put: (id: string, more: Partial<AnalyticsConfiguration> = {}) =>
      test.s3.send(
        new PutBucketAnalyticsConfigurationCommand({
          ...{ Bucket, Id: id },
          AnalyticsConfiguration: { Id: id, StorageClassAnalysis: {}, ...more },
        }),
      ),
    get: async (Id: string) =>
      (await test.s3.send(new GetBucketAnalyticsConfigurationCommand({ Bucket, Id }))).AnalyticsConfiguration,
    remove: (Id: string) => test.s3.send(new DeleteBucketAnalyticsConfigurationCommand({ Bucket, Id })),
    list: async (ContinuationToken?: string) => {
      const page = await test.s3.send(new ListBucketAnalyticsConfigurationsCommand({ Bucket, ContinuationToken }))
      return { ...page, items: page.AnalyticsConfigurationList ?? [] }
    },
    bare: { StorageClassAnalysis: {} },
  },
  'intelligent-tiering': {
    put: (id: string, more: Partial<IntelligentTieringConfiguration> = {}) =>
      test.s3.send(
        new PutBucketIntelligentTieringConfigurationCommand({
          ...{ Bucket, Id: id },
          IntelligentTieringConfiguration: { ...TIERING, Id: id, ...more },
        }),
      ),
    get: async (Id: string) =>
      (await test.s3.send(new GetBucketIntelligentTieringConfigurationCommand({ Bucket, Id })))
        .IntelligentTieringConfiguration,
    remove: (Id: string) => test.s3.send(new DeleteBucketIntelligentTieringConfigurationCommand({ Bucket, Id })),
    list: async (ContinuationToken?: string) => {
      const command = new ListBucketIntelligentTieringConfigurationsCommand({ Bucket, ContinuationToken })
      const page = await test.s3.send(command)
      return { ...page, items: page.IntelligentTieringConfigurationList ?? [] }
    },
    bare: { Status: 'Enabled', Tierings: [{ AccessTier: 'ARCHIVE_ACCESS', Days: 90 }] },
  },
} as const
const TIERING = {
  Status: 'Enabled',
  Tierings: [{ AccessTier: 'ARCHIVE_ACCESS', Days: 90 }],
} satisfies Partial<IntelligentTieringConfiguration>

describe.each(Object.entries(KINDS))('a configuration of %s', (kind, { put, get, remove, list, bare }) => {
  it('is set, told with its id, replaced and removed', async () => {
    expect(await refusal(get('first'))).toBe('404 NoSuchConfiguration')
    await put('first')
    expect(await get('first')).toEqual({ Id: 'first', ...bare })
    for (const Filter of [{ Prefix: 'logs/' }, { Tag: TAG }, { And: { Prefix: 'p', Tags: [TAG] } }]) {
      // The same shape in all three.
      await put('first', { Filter } as object)
      expect(await get('first')).toEqual({ Id: 'first', ...bare, Filter })
    }
    await put('second')
    expect((await list()).items.map(({ Id }) => Id)).toEqual(['first', 'second'])
    expect((await remove('first')).$metadata.httpStatusCode).toBe(204)
    expect(await refusal(remove('first'))).toBe('404 NoSuchConfiguration')
    expect((await list()).items).toEqual([{ Id: 'second', ...bare }])
    await remove('second')
    const none = await list()
    expect([none.items, none.IsTruncated]).toEqual([[], false])
  })

  it('is one of many, listed in pages', async () => {
    const ids = Array.from({ length: 105 }, (_, number) => `id-${String(number).padStart(3, '0')}`)
    for (const id of ids.toReversed()) await put(id)
    const first = await list()
    expect([first.items.length, first.IsTruncated, first.ContinuationToken]).toEqual([100, true, undefined])
    const second = await list(first.NextContinuationToken)
    expect(second).toMatchObject({ IsTruncated: false, ContinuationToken: first.NextContinuationToken })
    expect(second.NextContinuationToken).toBeUndefined()
    expect([...first.items, ...second.items].map(({ Id }) => Id)).toEqual(ids)
    expect(await refusal(list('!'))).toBe('400 InvalidArgument')
    for (const id of ids) await remove(id)
  })

  it.each([
    ['no id', {}, 'one'],
    ['an id that is none', { id: 'a b' }, 'a b'],
    ['an id that is too long', { id: 'i'.repeat(65) }, 'i'.repeat(65)],
    ['another id', { id: 'one' }, 'two'],
  ])('with %s is refused', async (_what, query, id) => {
    const [root, rest] = ROOTS[kind] ?? ['', '']
    const document = (own: string) => `<${root}><Id>${own}</Id>${rest}</${root}>`
    expect(outcome(await putRaw({ [kind]: '', ...query }, document(id)))).toBe('400 InvalidArgument')
    expect((await list()).items).toEqual([])
    expect(outcome(await putRaw({ [kind]: '', id: 'one' }, document('one')))).toBe('200')
    await remove('one')
  })

  it.each([
    ['without an id', ''],
    ['with an unknown element', '<Id>one</Id><Colour/>'],
    ['with an empty filter', '<Id>one</Id><Filter/>'],
    ['with two filters', '<Id>one</Id><Filter><Prefix>a</Prefix><Tag><Key>a</Key><Value/></Tag></Filter>'],
    ['with an And of one', '<Id>one</Id><Filter><And><Prefix>a</Prefix></And></Filter>'],
  ])('%s is malformed', async (_what, inside) => {
    const [root, rest] = ROOTS[kind] ?? ['', '']
    const reply = await putRaw({ [kind]: '', id: 'one' }, `<${root}>${inside}${rest}</${root}>`)
    expect(outcome(reply)).toBe('400 MalformedXML')
  })
})

const ROOTS: Readonly<Record<string, readonly [root: string, rest: string]>> = {
  metrics: ['MetricsConfiguration', ''],
  analytics: ['AnalyticsConfiguration', '<StorageClassAnalysis/>'],
  'intelligent-tiering': [
    'IntelligentTieringConfiguration',
    '<Status>Enabled</Status><Tiering><AccessTier>ARCHIVE_ACCESS</AccessTier><Days>90</Days></Tiering>',
  ],
}

it('a storage class analysis is refused when it asks for a report that would never come', async () => {
  const DataExport = {
    OutputSchemaVersion: 'V_1' as const,
    Destination: { S3BucketDestination: { Format: 'CSV' as const, Bucket: 'arn:aws:s3:::reports' } },
  }
  const asked = KINDS.analytics.put('export', { StorageClassAnalysis: { DataExport } })
  expect(await refusal(asked)).toBe('501 NotImplemented')
  expect((await KINDS.analytics.list()).items).toEqual([])
})

it('a tier of intelligent tiering has its least and most days', async () => {
  const put = (AccessTier: 'ARCHIVE_ACCESS' | 'DEEP_ARCHIVE_ACCESS', Days: number) =>
    refusal(KINDS['intelligent-tiering'].put('days', { Tierings: [{ AccessTier, Days }] }))
  expect(await put('ARCHIVE_ACCESS', 89)).toBe('400 InvalidArgument')
  expect(await put('DEEP_ARCHIVE_ACCESS', 179)).toBe('400 InvalidArgument')
  expect(await put('DEEP_ARCHIVE_ACCESS', 731)).toBe('400 InvalidArgument')
  expect(await put('DEEP_ARCHIVE_ACCESS', 730)).toBe('200')
})
