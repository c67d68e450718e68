import {
  CreateBucketCommand,
  DeleteBucketEncryptionCommand,
  GetBucketEncryptionCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse } from '../support/house.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'
import { makeBucket } from '../support/s3.ts'
import { topology } from '../support/topology.ts'

/** What a bucket gets that says nothing: a bucket key where the key service is far. */
const USUAL = topology.split

let test: ObjectHouse
let keys: KeyOwner
let key: { readonly crn: string; readonly id: string }
let made = 0
beforeAll(async () => {
  test = await startObjectHouse()
  keys = await keyOwner(test.controlUrl)
  key = await keys.newKey('default', { aliases: ['default-key'] })
})
afterAll(() => test[Symbol.asyncDispose]())

const fresh = async (): Promise<string> => {
  const Bucket = `fresh-${++made}`
  await test.s3.send(new CreateBucketCommand({ Bucket }))
  return Bucket
}
const set = (Bucket: string, rule: ServerSideEncryptionRule) =>
  test.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }))
const get = async (Bucket: string) => {
  const { ServerSideEncryptionConfiguration: found } = await test.s3.send(new GetBucketEncryptionCommand({ Bucket }))
  return found?.Rules
}
const headOf = (Bucket: string, Key: string) => test.s3.send(new HeadObjectCommand({ Bucket, Key }))
const kms = (KMSMasterKeyID?: string, SSEAlgorithm: 'aws:kms' | 'aws:kms:dsse' = 'aws:kms') => ({
  ApplyServerSideEncryptionByDefault: { SSEAlgorithm, ...(KMSMasterKeyID === undefined ? {} : { KMSMasterKeyID }) },
})
/** Of every new bucket until its owner says otherwise. */
const BLOCKED = { BlockedEncryptionTypes: { EncryptionType: ['SSE-C' as const] } }

describe('The encryption of a bucket', () => {
  it('is AES256 when nothing was said, as AWS answers', async () => {
    const bucket = await fresh()
    const { body } = await sendRaw(test.s3Url, { method: 'GET', path: `/${bucket}`, query: { encryption: '' } })
    expect(body.toString().split('\n')[1]).toBe(
      `<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>${USUAL}</BucketKeyEnabled><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>`,
    )
  })

  it.each(['aws:kms', 'aws:kms:dsse'] as const)('acts on what is new, and on nothing else: %s', async (algorithm) => {
    const bucket = await fresh()
    await test.put('before', 'x', { Bucket: bucket })
    await set(bucket, kms('default-key', algorithm))
    expect(await get(bucket)).toEqual([{ ...kms('default-key', algorithm), BucketKeyEnabled: false, ...BLOCKED }])
    const told = { ServerSideEncryption: algorithm, SSEKMSKeyId: 'default-key' }
    expect(await test.put('after', 'y', { Bucket: bucket })).toMatchObject(told)
    expect(await headOf(bucket, 'after')).toMatchObject(told)
    expect((await test.get('after', { Bucket: bucket })).bytes.toString()).toBe('y')
    expect((await headOf(bucket, 'before')).ServerSideEncryption).toBe('AES256')
    expect(
      (await test.put('asked', 'z', { Bucket: bucket, ServerSideEncryption: 'AES256' })).ServerSideEncryption,
    ).toBe('AES256')
    await test.s3.send(new DeleteBucketEncryptionCommand({ Bucket: bucket }))
    expect((await test.put('again', 'x', { Bucket: bucket })).ServerSideEncryption).toBe('AES256')
    expect(await headOf(bucket, 'after')).toMatchObject(told)
    expect(await get(bucket)).toEqual([
      { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: USUAL, ...BLOCKED },
    ])
  })

  it('may use bucket keys, and says whether it does', async () => {
    const bucket = await fresh()
    for (const rule of [kms(key.crn), { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } } as const]) {
      for (const BucketKeyEnabled of [true, false]) {
        await set(bucket, { ...rule, BucketKeyEnabled })
        expect(await get(bucket)).toEqual([{ ...rule, BucketKeyEnabled, ...BLOCKED }])
        const done = await test.put('k', 'x', { Bucket: bucket })
        expect(done.BucketKeyEnabled ?? false).toBe(BucketKeyEnabled)
        expect((await headOf(bucket, 'k')).BucketKeyEnabled ?? false).toBe(BucketKeyEnabled)
      }
    }
  })

  it('may be the account’s own key, which nobody named', async () => {
    const bucket = await fresh()
    await set(bucket, kms())
    expect(await get(bucket)).toEqual([{ ...kms(), BucketKeyEnabled: false, ...BLOCKED }])
    const { SSEKMSKeyId } = await test.put('k', 'x', { Bucket: bucket })
    expect(SSEKMSKeyId).toMatch(new RegExp(`^arn:aws:kms:us-east-1:${mainAccount.id}:key/`))
  })

  it('needs a key that there is and may be used', async () => {
    const bucket = await fresh()
    expect(await refusal(set(bucket, kms('nowhere')))).toBe('400 KMS.NotFoundException')
    const off = await keys.newKey('off')
    await keys.act(off.id, 'disable')
    expect(await refusal(set(bucket, kms(off.crn)))).toBe('400 KMS.DisabledException')
    expect(await get(bucket)).toMatchObject([{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }])
  })

  it('stays with the customer where the bucket was made with his key', async () => {
    await makeBucket(test.s3, 'theirs', key.crn)
    const own = [{ ...kms(key.crn), BucketKeyEnabled: USUAL }]
    expect(await get('theirs')).toEqual(own)
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } } as const
    expect(await refusal(set('theirs', rule))).toBe('400 InvalidRequest')
    expect(await get('theirs')).toEqual(own)
    await set('theirs', { ...kms(), BucketKeyEnabled: true })
    expect((await test.put('k', 'x', { Bucket: 'theirs' })).BucketKeyEnabled).toBe(true)
  })

  it('says what is blocked, and goes on blocking it unless told otherwise', async () => {
    const bucket = await fresh()
    const blocked = async () => (await get(bucket))?.[0]?.BlockedEncryptionTypes?.EncryptionType
    expect(await blocked()).toEqual(['SSE-C'])
    await set(bucket, { BlockedEncryptionTypes: { EncryptionType: ['NONE'] } })
    expect(await blocked()).toEqual(['NONE'])
    await set(bucket, kms('default-key'))
    expect(await blocked()).toEqual(['NONE'])
    await set(bucket, { BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] } })
    await test.s3.send(new DeleteBucketEncryptionCommand({ Bucket: bucket }))
    expect(await blocked()).toEqual(['SSE-C'])
  })

  it('is not there when nothing was said, where buckets are of the classic kind', async () => {
    await using classic = await startObjectHouse({ settings: { COFFER_S3_BUCKET_DEFAULTS: 'classic' } })
    const read = () => classic.s3.send(new GetBucketEncryptionCommand({ Bucket: 'objects' }))
    expect(await refusal(read())).toBe('404 ServerSideEncryptionConfigurationNotFoundError')
    expect((await classic.put('k', 'x')).ServerSideEncryption).toBe('AES256')
  })

  it('outlives a restart', async () => {
    await using first = await startHouse()
    const s3 = first.client()
    await s3.send(new CreateBucketCommand({ Bucket: 'kept' }))
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: true } as const
    const ServerSideEncryptionConfiguration = { Rules: [rule] }
    await s3.send(new PutBucketEncryptionCommand({ Bucket: 'kept', ServerSideEncryptionConfiguration }))
    await first.stop()
    await using second = await startHouse({ directory: first.directory })
    const found = await second.client().send(new GetBucketEncryptionCommand({ Bucket: 'kept' }))
    expect(found.ServerSideEncryptionConfiguration?.Rules).toEqual([{ ...rule, ...BLOCKED }])
  })

  const document = (inside: string) =>
    `<ServerSideEncryptionConfiguration>${inside}</ServerSideEncryptionConfiguration>`
  const apply = (inside: string) => `<ApplyServerSideEncryptionByDefault>${inside}</ApplyServerSideEncryptionByDefault>`
  it.each([
    ['no rule', document(''), '400 MalformedXML'],
    ['two rules', document('<Rule/><Rule/>'), '400 MalformedXML'],
    ['another algorithm', document(`<Rule>${apply('<SSEAlgorithm>ROT13</SSEAlgorithm>')}</Rule>`), '400 MalformedXML'],
    ['no algorithm', document(`<Rule>${apply('')}</Rule>`), '400 MalformedXML'],
    [
      'a key for AES256',
      document(`<Rule>${apply('<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>')}</Rule>`),
      '400 InvalidArgument',
    ],
    [
      'a bucket key in two layers',
      document(
        `<Rule>${apply('<SSEAlgorithm>aws:kms:dsse</SSEAlgorithm>')}<BucketKeyEnabled>true</BucketKeyEnabled></Rule>`,
      ),
      '400 InvalidArgument',
    ],
    ['an odd flag', document('<Rule><BucketKeyEnabled>maybe</BucketKeyEnabled></Rule>'), '400 MalformedXML'],
    [
      'an odd type to block',
      document('<Rule><BlockedEncryptionTypes><EncryptionType>ALL</EncryptionType></BlockedEncryptionTypes></Rule>'),
      '400 MalformedXML',
    ],
    ['another document', '<Rule/>', '400 MalformedXML'],
    ['nothing', '', '400 MalformedXML'],
  ])('refuses %s', async (_, body, expected) => {
    const reply = await sendRaw(test.s3Url, { method: 'PUT', path: '/objects', query: { encryption: '' }, body })
    expect(outcome(reply)).toBe(expected)
  })
})
