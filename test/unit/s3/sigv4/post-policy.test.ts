import { createHmac } from 'node:crypto'
import { S3Client } from '@aws-sdk/client-s3'
import { createPresignedPost, type PresignedPostOptions } from '@aws-sdk/s3-presigned-post'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { enforceLengthRange } from '../../../../src/api/s3/sigv4/policy-conditions.ts'
import { verifyPostPolicy } from '../../../../src/api/s3/sigv4/post-policy.ts'
import { hmacHex, signingKey } from '../../../../src/api/s3/sigv4/signing-key.ts'
import { codeOf, codeOfAsync, readAll, streamOf } from '../raw-request.ts'
import { CREDENTIAL, NOW, SECRET } from './signer.ts'

const verify = (fields: ReadonlyMap<string, string>, { now = NOW, bucket = 'bucket', filename = 'cat.png' } = {}) =>
  verifyPostPolicy(fields, {
    bucket,
    filename,
    findCredential: (id) => (id === CREDENTIAL.accessKeyId ? CREDENTIAL : undefined),
    clock: { now: () => now },
    regions: 'any',
  })

/** The variable that S3 replaces with the file's name. */
const FILENAME = `\${filename}`
const DAY = '20260405'
const IDENTITY = {
  'x-amz-algorithm': 'AWS4-HMAC-SHA256',
  'x-amz-credential': `${CREDENTIAL.accessKeyId}/${DAY}/us-east-1/s3/aws4_request`,
  'x-amz-date': `${DAY}T060000Z`,
}
const COVERED = Object.entries(IDENTITY).map(([name, value]) => ({ [name]: value }))
const EXPIRATION = '2026-04-05T07:00:00Z'

/** A form whose policy is signed as it stands, however odd it is. */
function signedForm(policy: unknown, fields: Record<string, string> = {}): Map<string, string> {
  const text = typeof policy === 'string' ? policy : Buffer.from(JSON.stringify(policy)).toString('base64')
  const scope = { accessKeyId: 'A', date: DAY, region: 'us-east-1', service: 's3', scope: '' }
  const signature = hmacHex(signingKey(SECRET, scope), text)
  return new Map(Object.entries({ key: 'k', ...IDENTITY, ...fields, policy: text, 'x-amz-signature': signature }))
}

const withConditions = (conditions: readonly unknown[], fields: Record<string, string> = {}) =>
  signedForm(
    {
      expiration: EXPIRATION,
      conditions: [{ bucket: 'bucket' }, ['starts-with', '$key', ''], ...COVERED, ...conditions],
    },
    fields,
  )

describe('a form signed by the AWS SDK', () => {
  const client = new S3Client({ region: 'us-east-1', credentials: CREDENTIAL, endpoint: 'http://localhost:9000' })
  const form = async (options: Partial<PresignedPostOptions> = {}) => {
    const { fields } = await createPresignedPost(client, { Bucket: 'bucket', Key: `user/${FILENAME}`, ...options })
    return new Map(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]))
  }

  it('verifies, and names the key', async () => {
    const fields = await form({
      Conditions: [['content-length-range', 5, 100]],
      Fields: { acl: 'private', 'Content-Type': 'image/png' },
    })
    expect(verify(fields, { now: Date.now() })).toMatchObject({
      credential: CREDENTIAL,
      key: 'user/cat.png',
      contentLengthRange: { minBytes: 5, maxBytes: 100 },
    })
  })

  it('is refused when any field is changed or added', async () => {
    const fields = await form({ Key: 'fixed', Fields: { acl: 'private' } })
    expect(verify(fields, { now: Date.now() }).key).toBe('fixed')
    for (const [name, value] of fields) {
      const changed = new Map(fields).set(
        name,
        value.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      )
      expect(
        codeOf(() => verify(changed, { now: Date.now() })),
        name,
      ).not.toBe('none')
    }
    const added = new Map(fields).set('x-amz-meta-a', 'b')
    expect(codeOf(() => verify(added, { now: Date.now() }))).toBe('AccessDenied')
    expect(codeOf(() => verify(fields, { now: Date.now(), bucket: 'other' }))).toBe('AccessDenied')
    expect(codeOf(() => verify(fields, { now: Date.now() + 3_700_000 }))).toBe('AccessDenied')
  })
})

describe('conditions', () => {
  it.each([
    ['an exact match', [['eq', '$acl', 'public-read']], { acl: 'public-read' }, 'none'],
    ['another value', [['eq', '$acl', 'public-read']], { acl: 'private' }, 'AccessDenied'],
    ['a prefix', [['starts-with', '$x-amz-meta-a', 'ab']], { 'x-amz-meta-a': 'abc' }, 'none'],
    ['another prefix', [['starts-with', '$x-amz-meta-a', 'b']], { 'x-amz-meta-a': 'abc' }, 'AccessDenied'],
    ['names and operations in any case', [['StArTs-WiTh', '$X-AMZ-Meta-A', 'ab']], { 'x-amz-meta-a': 'abc' }, 'none'],
    ['a field that was not sent', [['starts-with', '$x-amz-meta-a', 'b']], {}, 'AccessDenied'],
    [
      'every one of several content types',
      [['starts-with', '$Content-Type', 'image/']],
      { 'content-type': 'image/a, image/b' },
      'none',
    ],
    [
      'one of several content types',
      [['starts-with', '$Content-Type', 'image/']],
      { 'content-type': 'image/a, text/b' },
      'AccessDenied',
    ],
    ['a field without a condition', [], { acl: 'private' }, 'AccessDenied'],
    ['a field that is to be ignored', [], { 'x-ignore-button': 'Send' }, 'none'],
    ['a checksum without a condition', [], { 'x-amz-checksum-crc32': 'NhCmhg==' }, 'none'],
    [
      'two conditions of which one fails',
      [{ acl: 'private' }, { acl: 'public-read' }],
      { acl: 'private' },
      'AccessDenied',
    ],
    ['a bucket of its own', [], { bucket: 'other' }, 'AccessDenied'],
    ['the name of an inherited property', [], { constructor: 'x' }, 'AccessDenied'],
  ] as [string, unknown[], Record<string, string>, string][])('%s', (_what, conditions, fields, code) => {
    expect(codeOf(() => verify(withConditions(conditions, fields)))).toBe(code)
  })

  it('must name the bucket, with the one of the URL', () => {
    const policy = { expiration: EXPIRATION, conditions: [['starts-with', '$key', ''], ...COVERED] }
    expect(() => verify(signedForm(policy))).toThrow(
      expect.objectContaining({
        code: 'AccessDenied',
        message: 'Invalid according to Policy: Extra input fields: bucket',
      }),
    )
  })

  it('see the key as it will be', () => {
    const fields = withConditions([['starts-with', '$key', 'user/']], { key: `user/${FILENAME}` })
    expect(verify(fields, { filename: '$&$1.png' }).key).toBe('user/$&$1.png')
    expect(codeOf(() => verify(withConditions([['starts-with', '$key', 'user/']], { key: FILENAME })))).toBe(
      'AccessDenied',
    )
    expect(verify(withConditions([['starts-with', '$key', 'foo']], { key: FILENAME }), { filename: 'foo' }).key).toBe(
      'foo',
    )
  })

  it('bound the length together', async () => {
    const range = verify(
      withConditions([
        ['content-length-range', 2, 5],
        ['content-length-range', 3, 9],
      ]),
    ).contentLengthRange
    expect(range).toEqual({ minBytes: 3, maxBytes: 5 })
    const read = (text: string) =>
      codeOfAsync(() => readAll(enforceLengthRange(streamOf(text), { minBytes: 3, maxBytes: 5 })))
    expect(await read('abc')).toBe('none')
    expect(await read('ab')).toBe('EntityTooSmall')
    expect(await read('abcdef')).toBe('EntityTooLarge')
  })
})

describe('policy documents', () => {
  const base = { expiration: EXPIRATION, conditions: [] }
  it.each([
    ['not base64', '{}'],
    ['not JSON', Buffer.from('{').toString('base64')],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('base64')],
    ['null', null],
    ['a list', []],
    ['no expiration', { conditions: [] }],
    ['a capital expiration', { EXPIRATION, conditions: [] }],
    ['no conditions', { expiration: EXPIRATION }],
    ['capital conditions', { expiration: EXPIRATION, CONDITIONS: [] }],
    [
      'conditions by a prototype',
      `${Buffer.from(`{"expiration":"${EXPIRATION}","__proto__":{"conditions":[]}}`).toString('base64')}`,
    ],
    ['a date in another form', { ...base, expiration: '2026-04-05 07:00:00' }],
    ['an impossible date', { ...base, expiration: '2026-13-45T07:00:00Z' }],
    ['a number for a date', { ...base, expiration: 1e15 }],
    ['an object for conditions', { ...base, conditions: {} }],
    ['an empty condition', { ...base, conditions: [{}] }],
    ['an empty list', { ...base, conditions: [[]] }],
    ['null for a condition', { ...base, conditions: [null] }],
    ['an unknown operation', { ...base, conditions: [['ends-with', '$key', 'a']] }],
    ['a field without $', { ...base, conditions: [['eq', 'key', 'a']] }],
    ['a number for a value', { ...base, conditions: [{ acl: 1 }] }],
    ['a range of one', { ...base, conditions: [['content-length-range', 0]] }],
    ['a negative range', { ...base, conditions: [['content-length-range', -1, 0]] }],
    ['a range in words', { ...base, conditions: [['content-length-range', '0', '10']] }],
    ['a range upside down', { ...base, conditions: [['content-length-range', 2, 1]] }],
  ])('%s', (_what, policy) => {
    expect(codeOf(() => verify(signedForm(policy)))).toBe('InvalidPolicyDocument')
  })

  it('of any shape give an answer', () => {
    fc.assert(
      fc.property(fc.json(), fc.array(fc.jsonValue()), (document, conditions) => {
        const signed = [
          signedForm(Buffer.from(document).toString('base64')),
          signedForm({ expiration: EXPIRATION, conditions }),
        ]
        for (const form of signed) {
          expect(['InvalidPolicyDocument', 'AccessDenied']).toContain(codeOf(() => verify(form)))
        }
      }),
    )
  })
})

describe('the fields of a signature', () => {
  const without = (name: string) => {
    const fields = withConditions([])
    fields.delete(name)
    return fields
  }
  it.each(['policy', 'x-amz-signature', 'x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'key'])(
    'need %s',
    (name) => {
      expect(codeOf(() => verify(without(name)))).toBe('InvalidArgument')
    },
  )

  describe('in the form of Signature Version 2', () => {
    const policy = Buffer.from(
      JSON.stringify({ expiration: EXPIRATION, conditions: [{ bucket: 'bucket' }, ['starts-with', '$key', '']] }),
    ).toString('base64')
    const form = (secret: string, extra: Record<string, string> = {}) =>
      new Map(
        Object.entries({
          awsaccesskeyid: CREDENTIAL.accessKeyId,
          signature: createHmac('sha1', secret).update(policy).digest('base64'),
          policy,
          key: 'k',
          ...extra,
        }),
      )

    it('verify with the secret', () => {
      expect(verify(form(SECRET))).toMatchObject({ key: 'k', accessKeyId: CREDENTIAL.accessKeyId })
    })

    it.each([
      ['another secret', form('another'), 'SignatureDoesNotMatch'],
      ['a cut signature', form(SECRET, { signature: 'c2ln' }), 'SignatureDoesNotMatch'],
      ['another policy', form(SECRET, { policy: `${policy.slice(0, -4)}AAAA` }), 'SignatureDoesNotMatch'],
      ['an unknown key', form(SECRET, { awsaccesskeyid: 'nobody' }), 'InvalidAccessKeyId'],
      ['a field that the policy does not cover', form(SECRET, { acl: 'private' }), 'AccessDenied'],
    ])('refuse %s', (_what, fields, code) => {
      expect(codeOf(() => verify(fields))).toBe(code)
    })
  })

  it('must be of a known key and right', () => {
    const fields = withConditions([])
    const unknown = new Map(fields).set('x-amz-credential', IDENTITY['x-amz-credential'].replace('AKID', 'XKID'))
    expect(codeOf(() => verify(unknown))).toBe('InvalidAccessKeyId')
    expect(codeOf(() => verify(new Map(fields).set('x-amz-signature', '0'.repeat(64))))).toBe('SignatureDoesNotMatch')
    expect(codeOf(() => verify(new Map(fields).set('x-amz-signature', 'nonsense')))).toBe('SignatureDoesNotMatch')
  })
})
