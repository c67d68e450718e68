import { CreateBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { refusal } from '../support/object-house.ts'
import { otherAccount as other } from '../support/other-account.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

const NAMES = ['alpha-1', 'alpha-2', 'alpha.3', 'beta-1', 'beta-2']

let test: TestHouse
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, other] })
  for (const Bucket of [...NAMES].reverse()) await test.client().send(new CreateBucketCommand({ Bucket }))
  await test.client(other).send(new CreateBucketCommand({ Bucket: 'of-the-other' }))
})
afterAll(() => test[Symbol.asyncDispose]())

const list = (input: ConstructorParameters<typeof ListBucketsCommand>[0] = {}) =>
  test.client().send(new ListBucketsCommand(input))

describe('ListBuckets', () => {
  it('lists the buckets of the account by name, with the time they were made', async () => {
    const { Buckets = [], Owner, ContinuationToken, Prefix } = await list()
    expect(Buckets.map(({ Name }) => Name)).toEqual(NAMES)
    for (const { CreationDate, BucketRegion } of Buckets) {
      expect(Math.abs((CreationDate?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
      expect(BucketRegion).toBeUndefined()
    }
    expect(Owner?.ID).toBeTruthy()
    expect([ContinuationToken, Prefix]).toEqual([undefined, undefined])
  })

  it('shows nobody else’s', async () => {
    const { Buckets = [], Owner } = await test.client(other).send(new ListBucketsCommand({}))
    expect(Buckets.map(({ Name }) => Name)).toEqual(['of-the-other'])
    expect(Owner?.ID).toBe('the-other-owner')
  })

  it('pages, and says so', async () => {
    const names: (string | undefined)[] = []
    let token: string | undefined
    let pages = 0
    do {
      const page = await list({ MaxBuckets: 2, ...(token === undefined ? {} : { ContinuationToken: token }) })
      expect(page.Buckets?.length).toBeLessThanOrEqual(2)
      names.push(...(page.Buckets ?? []).map(({ Name }) => Name))
      token = page.ContinuationToken
      pages++
    } while (token !== undefined)
    expect(names).toEqual(NAMES)
    expect(pages).toBe(3)
  })

  it('ends without a token when the last page is exactly full', async () => {
    const { Buckets, ContinuationToken } = await list({ MaxBuckets: NAMES.length })
    expect(Buckets?.length).toBe(NAMES.length)
    expect(ContinuationToken).toBeUndefined()
  })

  it('takes a prefix and a region', async () => {
    const { Buckets = [], Prefix } = await list({ Prefix: 'alpha-' })
    expect(Buckets.map(({ Name }) => Name)).toEqual(['alpha-1', 'alpha-2'])
    expect(Prefix).toBe('alpha-')
    const here = await list({ BucketRegion: 'us-east-1' })
    expect(here.Buckets?.map(({ BucketRegion }) => BucketRegion)).toEqual(NAMES.map(() => 'us-east-1'))
    expect((await list({ BucketRegion: 'eu-west-1' })).Buckets ?? []).toEqual([])
  })

  it.each(['0', '10001', '-1', 'x', '1.5', ''])('refuses max-buckets=%s', async (value) => {
    const reply = await sendRaw(test.s3Url, { method: 'GET', path: '/', query: { 'max-buckets': value } })
    expect(outcome(reply)).toBe('400 InvalidArgument')
  })

  it('is no place for IBM’s extended listing yet', async () => {
    const reply = await sendRaw(test.s3Url, { method: 'GET', path: '/', query: { extended: '' } })
    expect(outcome(reply)).toBe('501 NotImplemented')
    expect(reply.body.toString()).toContain('ListBucketsExtended')
  })

  it('needs no bucket to answer', async () => {
    await using empty = await startHouse()
    expect((await empty.client().send(new ListBucketsCommand({}))).Buckets ?? []).toEqual([])
    expect(await refusal(empty.client().send(new ListBucketsCommand({ MaxBuckets: 0 })))).toBe('400 InvalidArgument')
  })
})
