import { rm } from 'node:fs/promises'
import { BucketLocationConstraint, CreateBucketCommand, HeadBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { refusal } from '../support/object-house.ts'
import { otherAccount as other } from '../support/other-account.ts'
import { outcome, type RawS3Request, sendRaw } from '../support/raw-s3.ts'

let test: TestHouse
let south: TestHouse
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, other] })
  south = await startHouse({ settings: { COFFER_S3_REGION: 'us-south' } })
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
  await south[Symbol.asyncDispose]()
})

const create = (Bucket: string, more: object = {}) => test.client().send(new CreateBucketCommand({ Bucket, ...more }))
const raw = async (name: string, more: Omit<RawS3Request, 'method' | 'path'> = {}) =>
  outcome(await sendRaw(test.s3Url, { method: 'PUT', path: `/${name}`, ...more }))
const configuration = (inner: string, root = 'CreateBucketConfiguration') =>
  `<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${root}>`

describe('CreateBucket', () => {
  it('makes a bucket that is there at once', async () => {
    const { Location } = await create('first-bucket')
    expect(Location).toBe('/first-bucket')
    await test.client().send(new HeadBucketCommand({ Bucket: 'first-bucket' }))
    await test.client().send(new PutObjectCommand({ Bucket: 'first-bucket', Key: 'k', Body: 'x' }))
  })

  it('makes none in a namespace that there is not', async () => {
    expect(await raw('namespaced', { headers: { 'x-amz-bucket-namespace': 'account-regional' } })).toBe(
      '501 NotImplemented',
    )
    expect(await raw('namespaced', { headers: { 'x-amz-bucket-namespace': 'global' } })).toBe('200')
  })

  it('keeps it over a restart', async () => {
    const first = await startHouse()
    onTestFinished(() => rm(first.directory, { recursive: true, force: true }))
    await first.client().send(new CreateBucketCommand({ Bucket: 'kept' }))
    await first.stop()
    await using again = await startHouse({ directory: first.directory })
    await again.client().send(new HeadBucketCommand({ Bucket: 'kept' }))
  })

  it.each(['abc', 'a'.repeat(63), 'with.dots.in-it', '1-2', '123', 'a.b'])('takes the name %s', async (name) => {
    expect(await raw(name)).toBe('200')
  })

  it.each([
    'ab',
    'a'.repeat(64),
    'Upper',
    'under_score',
    '-start',
    'end-',
    '.start',
    'end.',
    'two..dots',
    'dash.-dot',
    'dot-.dash',
    '192.168.5.4',
    'xn--name',
    'sthree-name',
    'amzn-s3-demo-name',
    'name-s3alias',
    'name--ol-s3',
    'name.mrap',
    'name--x-s3',
    'cosv1-name',
    'account-name',
    'sp%20ace',
    'caf%C3%A9',
    '__proto__',
    'constructor%00',
    '..',
  ])('refuses the name %s', async (name) => {
    expect(await raw(name)).toMatch(/^400 Invalid(BucketName|URI)$/)
  })

  it('makes one’s own bucket again without a change where S3 does: in us-east-1', async () => {
    await create('twice')
    await test.client().send(new PutObjectCommand({ Bucket: 'twice', Key: 'k', Body: 'x' }))
    await create('twice')
    expect(outcome(await sendRaw(test.s3Url, { method: 'GET', path: '/twice/k' }))).toBe('200')
  })

  it('is a conflict elsewhere', async () => {
    const again = () => refusal(south.client().send(new CreateBucketCommand({ Bucket: 'twice' })))
    expect([await again(), await again()]).toEqual(['200', '409 BucketAlreadyOwnedByYou'])
  })

  it('does not give away a name that another account has', async () => {
    await create('mine-alone')
    const command = new CreateBucketCommand({ Bucket: 'mine-alone' })
    expect(await refusal(test.client(other).send(command))).toBe('409 BucketAlreadyExists')
  })

  it('has one winner when two accounts ask for a name at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      const command = () => new CreateBucketCommand({ Bucket: `race-${round}` })
      const outcomes = await Promise.all([
        refusal(test.client().send(command())),
        refusal(test.client(other).send(command())),
      ])
      expect(outcomes.sort()).toEqual(['200', '409 BucketAlreadyExists'])
    }
  })

  it.each(['eu-west-1', 'us-south-standard', 'eu-de-smart', 'us-vault', 'EU'])(
    'takes the location %s',
    async (code) => {
      const body = configuration(`<LocationConstraint>${code}</LocationConstraint>`)
      expect(await raw(`at-${code.toLowerCase()}`, { body })).toBe('200')
    },
  )

  it.each(['nowhere', 'us-south-cheap', 'eu-west-1; drop', '../..'])('refuses the location %s', async (code) => {
    const body = configuration(`<LocationConstraint>${code}</LocationConstraint>`)
    expect(await raw('nowhere', { body })).toBe('400 InvalidLocationConstraint')
    expect(await refusal(test.client().send(new HeadBucketCommand({ Bucket: 'nowhere' })))).toBe('404 NotFound')
  })

  it('takes an empty configuration for the default location', async () => {
    expect(await raw('empty-configuration', { body: configuration('') })).toBe('200')
    const CreateBucketConfiguration = { LocationConstraint: BucketLocationConstraint.eu_central_1 }
    await create('by-sdk', { CreateBucketConfiguration })
  })

  it.each([
    '<',
    'not xml',
    configuration('', 'Other'),
    configuration('<LocationConstraint>us</LocationConstraint><LocationConstraint>eu</LocationConstraint>'),
    configuration('<LocationConstraint><a/></LocationConstraint>'),
    `<!DOCTYPE x>${configuration('')}`,
  ])('refuses the body %j', async (body) => {
    expect(await raw('malformed', { body })).toBe('400 MalformedXML')
  })

  it('verifies a Content-MD5', async () => {
    const headers = { 'content-md5': 'XrY7u+Ae7tCTyyK7j1rNww==' }
    expect(await raw('wrong-md5', { body: configuration(''), headers })).toBe('400 BadDigest')
  })

  it.each([
    [{ 'x-amz-acl': 'public-read' }, '400 InvalidBucketAclWithObjectOwnership'],
    [{ 'x-amz-grant-read': 'id=1' }, '400 InvalidBucketAclWithObjectOwnership'],
    [{ 'x-amz-bucket-object-lock-enabled': 'maybe' }, '400 InvalidArgument'],
    [{ 'x-amz-object-ownership': 'Nobody' }, '400 InvalidArgument'],
    [{ 'x-amz-acl': 'private' }, '200'],
    [{ 'x-amz-bucket-object-lock-enabled': 'false' }, '200'],
    [{ 'x-amz-object-ownership': 'BucketOwnerEnforced' }, '200'],
  ])('does not silently drop %o', async (headers: Record<string, string>, expected) => {
    expect(await raw(`header-${Object.keys(headers)[0]}`, { headers })).toBe(expected)
  })
})
