import { createHash } from 'node:crypto'
import { GetObjectTaggingCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { createPresignedPost, type PresignedPostOptions } from '@aws-sdk/s3-presigned-post'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { contentBytes } from '../support/content.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { hmac, outcome, type RawS3Reply, replyOf, startRaw } from '../support/raw-s3.ts'
import { base64 } from '../support/reference-checksums.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

type Fields = Readonly<Record<string, string>>
interface File {
  readonly content: Buffer | string
  readonly name?: string
  readonly type?: string
}

const BOUNDARY = '----coffer-test-boundary'

function formBody(fields: Fields, file: File | undefined, after: Fields = {}): Buffer {
  const field = ([name, value]: [string, string]) =>
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
  const filePart = file && [
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${file.name ?? 'file.bin'}"\r\n` +
        `Content-Type: ${file.type ?? 'application/octet-stream'}\r\n\r\n`,
    ),
    Buffer.from(file.content),
    Buffer.from('\r\n'),
  ]
  return Buffer.concat([
    ...Object.entries(fields).map(field),
    ...(filePart ?? []),
    ...Object.entries(after).map(field),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ])
}

async function submit(body: Buffer, bucket = test.bucket): Promise<RawS3Reply> {
  const headers = {
    host: new URL(test.s3Url).host,
    'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    'content-length': String(body.length),
  }
  const outgoing = startRaw(test.s3Url, { method: 'POST', target: `/${bucket}`, headers })
  outgoing.end(body)
  return replyOf(outgoing)
}

/** The fields of a form by AWS's own maker. */
async function made(key: string, more: Partial<PresignedPostOptions> = {}): Promise<Fields> {
  const { fields, url } = await createPresignedPost(test.s3, { Bucket: test.bucket, Key: key, ...more })
  expect(url).toBe(`${test.s3Url}/${test.bucket}`)
  return fields
}

type Condition = readonly [string, string | number, string | number] | Readonly<Record<string, string>>

/** The fields of a form by hand: what that maker would not make. */
function handMade(conditions: readonly Condition[], fields: Fields, expiresInMs = 60_000): Fields {
  const amzDate = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
  const scope = `${amzDate.slice(0, 8)}/us-east-1/s3/aws4_request`
  const credential = `${mainAccount.user.accessKeyId}/${scope}`
  const signing = { 'x-amz-algorithm': 'AWS4-HMAC-SHA256', 'x-amz-credential': credential, 'x-amz-date': amzDate }
  const all = [
    ...conditions,
    { bucket: test.bucket },
    ...Object.entries(signing).map(([name, value]) => ({ [name]: value })),
  ]
  const expiration = new Date(Date.now() + expiresInMs).toISOString()
  const policy = Buffer.from(JSON.stringify({ expiration, conditions: all })).toString('base64')
  const key = scope
    .split('/')
    .reduce<Buffer | string>((parent, part) => hmac(parent, part), `AWS4${mainAccount.user.secretAccessKey}`)
  return { ...signing, policy, 'x-amz-signature': hmac(key, policy).toString('hex'), ...fields }
}

const post = (fields: Fields, file: File = { content: 'posted' }) => submit(formBody(fields, file))
const head = (key: string) =>
  test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key: key, ChecksumMode: 'ENABLED' }))

describe('PostObject', () => {
  it.each([0, 1, 65_536, 262_145, 1_000_000])('stores a file of %i bytes', async (size) => {
    const content = contentBytes('form', size)
    const { status, body, headers } = await post(await made(`posted/${size}`), { content })
    expect(status).toBe(204)
    expect(body).toHaveLength(0)
    const read = await test.get(`posted/${size}`)
    expect(read.bytes.equals(content)).toBe(true)
    expect(headers).toMatchObject({
      etag: read.ETag,
      location: `${test.s3Url}/${test.bucket}/${encodeURIComponent(`posted/${size}`)}`,
      'x-amz-server-side-encryption': 'AES256',
    })
  })

  it('wraps the data key with a bucket key when the form asks for it', async () => {
    const Fields = { 'x-amz-server-side-encryption-bucket-key-enabled': 'true' }
    const { status, headers } = await post(await made('under a bucket key', { Fields, Conditions: [Fields] }))
    expect([status, headers['x-amz-server-side-encryption-bucket-key-enabled']]).toEqual([204, 'true'])
    expect((await head('under a bucket key')).BucketKeyEnabled).toBe(true)
  })

  it('ignores a field that S3 does not know, whatever its name', async () => {
    expect(outcome(await post(await made('unknown', { Fields: { constructor: 'x', tostring: 'y' } })))).toBe('204')
  })

  it('takes attributes from the fields', async () => {
    const Fields = {
      'Content-Type': 'text/x-form',
      'Cache-Control': 'no-store',
      'Content-Disposition': 'attachment; filename="ü.txt"',
      'x-amz-meta-colour': 'red',
      'x-amz-meta-umlaut': 'ü',
      acl: 'bucket-owner-full-control',
      'x-amz-checksum-sha256': base64('SHA256', 'posted'),
    }
    expect(
      outcome(
        await post(
          await made('attributes', {
            Fields,
            Conditions: Object.entries(Fields).map(([name, value]) => ({ [name]: value })),
          }),
        ),
      ),
    ).toBe('204')
    const stored = await head('attributes')
    expect(stored).toMatchObject({
      ContentType: 'text/x-form',
      CacheControl: 'no-store',
      ChecksumSHA256: base64('SHA256', 'posted'),
    })
    expect(stored.Metadata?.['colour']).toBe('red')
    expect(Buffer.from(stored.Metadata?.['umlaut'] ?? '', 'latin1').toString()).toBe('ü')
  })

  it('refuses a wrong checksum, and leaves nothing', async () => {
    const before = await test.blobs()
    const Fields = { 'x-amz-checksum-crc32': base64('CRC32', 'another') }
    expect(outcome(await post(await made('bad-sum', { Fields }), { content: contentBytes('bad', 400_000) }))).toBe(
      '400 BadDigest',
    )
    expect(await refusal(test.get('bad-sum'))).toBe('404 NoSuchKey')
    expect(await test.blobs()).toEqual(before)
  })

  it('holds to a Content-MD5, and leaves nothing of what has another', async () => {
    const before = await test.blobs()
    const md5 = (of: string) => createHash('md5').update(of).digest('base64')
    const fields = (value: string) => made('md5', { Fields: { 'Content-MD5': value } })
    expect(outcome(await post(await fields(md5('another'))))).toBe('400 BadDigest')
    expect(outcome(await post(await fields('none')))).toBe('400 InvalidDigest')
    expect(await refusal(test.get('md5'))).toBe('404 NoSuchKey')
    expect(await test.blobs()).toEqual(before)
    expect(outcome(await post(await fields(md5('posted'))))).toBe('204')
    expect((await test.get('md5')).bytes.toString()).toBe('posted')
  })

  it('takes one checksum, of a kind that there is', async () => {
    const sums = { 'x-amz-checksum-crc32': base64('CRC32', 'posted'), 'x-amz-checksum-sha1': base64('SHA1', 'posted') }
    for (const Fields of [sums, { 'x-amz-checksum-md4': 'AAAA' }]) {
      expect(outcome(await post(await made('sums', { Fields })))).toBe('400 InvalidRequest')
    }
    expect(await refusal(test.get('sums'))).toBe('404 NoSuchKey')
  })

  it('holds to conditions', async () => {
    const conditional = async (Fields: Fields) => outcome(await post(await made('conditional', { Fields })))
    expect(await conditional({ 'if-match': '"0"' })).toBe('404 NoSuchKey')
    const { ETag = '' } = await test.put('conditional', 'kept')
    expect(await conditional({ 'If-None-Match': '*' })).toBe('412 PreconditionFailed')
    expect(await conditional({ 'If-Match': '"0"' })).toBe('412 PreconditionFailed')
    expect((await test.get('conditional')).bytes.toString()).toBe('kept')
    expect(await conditional({ 'If-Match': ETag })).toBe('204')
    expect((await test.get('conditional')).bytes.toString()).toBe('posted')
  })

  it('puts the name of the file into the key', async () => {
    const fields = await made(`dir/\${filename}`)
    expect(outcome(await post(fields, { content: 'x', name: 'my file ü.txt' }))).toBe('204')
    expect((await test.get('dir/my file ü.txt')).bytes.toString()).toBe('x')
  })

  describe('answers success', () => {
    it('with a document', async () => {
      const reply = await post(await made('answer/201 ü', { Fields: { success_action_status: '201' } }))
      expect(reply.status).toBe(201)
      const text = reply.body.toString()
      expect(text).toContain(`<Bucket>${test.bucket}</Bucket>`)
      expect(text).toContain('<Key>answer/201 ü</Key>')
      expect(text).toContain(`<Location>${test.s3Url}/${test.bucket}/answer%2F201%20%C3%BC</Location>`)
      expect(text).toMatch(/<ETag>.*[0-9a-f]{32}.*<\/ETag>/)
    })

    it.each([
      ['200', 200],
      ['204', 204],
      ['418', 204],
      ['', 204],
    ])('with status %j as %i', async (asked, expected) => {
      const reply = await post(await made('status', { Fields: { success_action_status: asked } }))
      expect(reply.status).toBe(expected)
      expect(reply.body).toHaveLength(0)
    })

    it('with a redirect that says what was stored', async () => {
      const reply = await post(
        await made('redirected', { Fields: { success_action_redirect: 'http://example.com/done?a=b' } }),
      )
      expect(reply.status).toBe(303)
      const { ETag } = await head('redirected')
      const location = new URL(reply.headers.location ?? '')
      expect(location.origin + location.pathname).toBe('http://example.com/done')
      expect(Object.fromEntries(location.searchParams)).toEqual({
        a: 'b',
        bucket: test.bucket,
        key: 'redirected',
        etag: ETag,
      })
    })

    it.each(['javascript:alert(1)', 'not a url', 'ftp://example.com/'])(
      'and does not redirect to %s',
      async (target) => {
        expect((await post(await made('redirected', { Fields: { success_action_redirect: target } }))).status).toBe(204)
      },
    )
  })

  describe('holds to the policy', () => {
    it.each<[string, readonly Condition[], Fields, File, string]>([
      ['a length in range', [['content-length-range', 6, 6], { key: 'k' }], { key: 'k' }, { content: 'posted' }, '204'],
      [
        'a file too long',
        [['content-length-range', 0, 5], { key: 'k' }],
        { key: 'k' },
        { content: 'posted' },
        '400 EntityTooLarge',
      ],
      [
        'a long file too long',
        [['content-length-range', 0, 500_000], { key: 'k' }],
        { key: 'k' },
        { content: contentBytes('long', 500_001) },
        '400 EntityTooLarge',
      ],
      [
        'a file too short',
        [['content-length-range', 7, 10], { key: 'k' }],
        { key: 'k' },
        { content: 'posted' },
        '400 EntityTooSmall',
      ],
      ['an equal field', [['eq', '$key', 'k']], { key: 'k' }, { content: 'x' }, '204'],
      ['an unequal field', [['eq', '$key', 'k']], { key: 'other' }, { content: 'x' }, '403 AccessDenied'],
      ['a prefix', [['starts-with', '$key', 'user/']], { key: 'user/k' }, { content: 'x' }, '204'],
      [
        'another prefix',
        [['starts-with', '$key', 'user/']],
        { key: 'usurper/k' },
        { content: 'x' },
        '403 AccessDenied',
      ],
      [
        'a prefix for the key with the file name in it',
        [['starts-with', '$key', 'user/']],
        { key: `\${filename}` },
        { content: 'x', name: 'other' },
        '403 AccessDenied',
      ],
      [
        'a field that is not in it',
        [{ key: 'k' }],
        { key: 'k', 'x-amz-meta-extra': '1' },
        { content: 'x' },
        '403 AccessDenied',
      ],
      ['a field to be ignored', [{ key: 'k' }], { key: 'k', 'x-ignore-me': '1' }, { content: 'x' }, '204'],
      [
        'a field that is missing',
        [{ key: 'k' }, { 'x-amz-meta-must': '1' }],
        { key: 'k' },
        { content: 'x' },
        '403 AccessDenied',
      ],
    ])('%s', async (_, conditions, fields, file, expected) => {
      const before = await test.blobs()
      expect(outcome(await post(handMade(conditions, fields), file))).toBe(expected)
      const key = fields['key'] ?? ''
      if (expected !== '204') expect(await refusal(test.get(key))).toBe('404 NoSuchKey')
      else await test.raw({ method: 'DELETE', key })
      expect(await test.blobs()).toEqual(before)
    })

    it('until it expires', async () => {
      expect(outcome(await post(handMade([{ key: 'late' }], { key: 'late' }, -1000)))).toBe('403 AccessDenied')
      expect(await refusal(test.get('late'))).toBe('404 NoSuchKey')
    })

    it('of one bucket only', async () => {
      expect(outcome(await submit(formBody(await made('k'), { content: 'x' }), 'another-bucket'))).toMatch(/^40[034] /)
    })

    it('whatever comes after the file', async () => {
      const fields = handMade([{ key: 'first' }], { key: 'first' })
      expect(outcome(await submit(formBody(fields, { content: 'x' }, { 'x-amz-meta-late': '1', key: 'second' })))).toBe(
        '204',
      )
      expect((await head('first')).Metadata).toEqual({})
      expect(await refusal(test.get('second'))).toBe('404 NoSuchKey')
    })
  })

  it.each<[string, (fields: Fields) => Fields, string]>([
    [
      'a flipped signature',
      (fields) => ({ ...fields, 'X-Amz-Signature': '0'.repeat(64) }),
      '403 SignatureDoesNotMatch',
    ],
    [
      'another policy',
      (fields) => ({
        ...fields,
        Policy: Buffer.from('{"expiration":"2099-01-01T00:00:00Z","conditions":[]}').toString('base64'),
      }),
      '403 SignatureDoesNotMatch',
    ],
    [
      'an unknown access key',
      (fields) => ({ ...fields, 'X-Amz-Credential': (fields['X-Amz-Credential'] ?? '').replace(/^[^/]+/, 'NOBODY') }),
      '403 InvalidAccessKeyId',
    ],
    ['no key', ({ key: _, ...fields }) => fields, '400 InvalidArgument'],
    ['no policy', ({ Policy: _, ...fields }) => fields, '403 AccessDenied'],
    ['no date', ({ 'X-Amz-Date': _, ...fields }) => fields, '400 InvalidArgument'],
  ])('refuses %s', async (_, change, expected) => {
    const before = await test.blobs()
    expect(outcome(await post(change(await made('refused'))))).toBe(expected)
    expect(await refusal(test.get('refused'))).toBe('404 NoSuchKey')
    expect(await test.blobs()).toEqual(before)
  })

  it('refuses a form without a file', async () => {
    expect(outcome(await submit(formBody(await made('no-file'), undefined)))).toBe(
      '400 IncorrectNumberOfFilesInPostRequest',
    )
  })

  it('refuses a form that ends before its end, and keeps nothing of it', async () => {
    const before = await test.blobs()
    for (const size of [10, 600_000]) {
      const body = formBody(await made('cut'), { content: contentBytes('cut', size) })
      expect(outcome(await submit(body.subarray(0, body.length - BOUNDARY.length - 6)))).toMatch(/^400 /)
      expect(await refusal(test.get('cut'))).toBe('404 NoSuchKey')
      expect(await test.blobs()).toEqual(before)
    }
  })

  it('refuses metadata and keys beyond the limits', async () => {
    expect(outcome(await post(await made('meta', { Fields: { 'x-amz-meta-big': 'v'.repeat(2048) } })))).toBe(
      '400 MetadataTooLarge',
    )
    expect(outcome(await post(await made('k'.repeat(1025))))).toBe('400 KeyTooLongError')
    const key = `\${filename}`
    expect(outcome(await post(await made(key), { content: 'x', name: 'n'.repeat(1025) }))).toBe('400 KeyTooLongError')
  })

  it.each(['x-amz-meta-two words', 'x-amz-meta-日', 'x-amz-meta-a:b', 'x-amz-meta-(a)'])(
    'refuses metadata that no header could carry: %s',
    async (name) => {
      const Fields = { [name]: 'v' }
      expect(outcome(await post(await made('unnameable', { Fields })))).toBe('400 InvalidArgument')
      expect(await refusal(test.get('unnameable'))).toBe('404 NoSuchKey')
    },
  )

  it('takes tags as a document', async () => {
    const tagging = '<Tagging><TagSet><Tag><Key>a</Key><Value>b ü</Value></Tag></TagSet></Tagging>'
    expect(outcome(await post(await made('tagged', { Fields: { tagging } })))).toBe('204')
    const { TagSet } = await test.s3.send(new GetObjectTaggingCommand({ Bucket: test.bucket, Key: 'tagged' }))
    expect(TagSet).toEqual([{ Key: 'a', Value: 'b ü' }])
    expect(outcome(await post(await made('untagged', { Fields: { tagging: 'a=b' } })))).toBe('400 MalformedXML')
    expect(await refusal(test.get('untagged'))).toBe('404 NoSuchKey')
  })

  it('refuses what is not implemented', async () => {
    expect(outcome(await post(await made('public', { Fields: { acl: 'public-read' } })))).toBe(
      '400 AccessControlListNotSupported',
    )
  })

  it('replaces an object, and frees its bytes', async () => {
    await test.put('replaced', contentBytes('before', 500_000))
    const before = await test.blobs()
    expect(outcome(await post(await made('replaced'), { content: 'after' }))).toBe('204')
    expect((await test.get('replaced')).bytes.toString()).toBe('after')
    expect(await test.blobs()).toHaveLength(before.length)
  })
})
