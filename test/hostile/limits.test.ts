import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { iamToken } from '../support/control-api.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { queryApi } from '../support/query-api.ts'
import { outcome, type RawS3Request, sendRaw, signRaw } from '../support/raw-s3.ts'
import { bearer, sendPlain } from '../support/send.ts'
import { exchange } from '../support/socket.ts'

/** The rows of docs/limits.md that no other test reaches: the last input that is taken, where that is cheap, and the first that is not. */

let test: ObjectHouse
let token: string
beforeAll(async () => {
  test = await startObjectHouse()
  token = await iamToken(test.controlUrl)
  await test.put('kept', 'kept')
})
afterAll(() => test[Symbol.asyncDispose]())

const md5 = (body: string) => ({ 'content-md5': createHash('md5').update(body).digest('base64') })
const send = (request: RawS3Request) =>
  sendRaw(test.s3Url, {
    ...request,
    headers: {
      ...(typeof request.body === 'string' && request.method !== 'PUT' ? md5(request.body) : {}),
      ...request.headers,
    },
  })
const put = (key: string, headers: Readonly<Record<string, string>> = {}) =>
  send({ method: 'PUT', path: `/objects/${key}`, body: 'x', headers })
const configure = (name: string, body: string) =>
  send({ method: 'PUT', path: '/objects', query: { [name]: '' }, body, headers: md5(body) })
const times = (count: number, text: (n: number) => string) => Array.from({ length: count }, (_, n) => text(n)).join('')

describe('Of S3', () => {
  it('keys have 1,024 bytes', async () => {
    expect(outcome(await put('k'.repeat(1024)))).toBe('200')
    expect(outcome(await put('k'.repeat(1025)))).toBe('400 KeyTooLongError')
    expect(outcome(await put('%C3%A9'.repeat(513)))).toBe('400 KeyTooLongError')
  })

  it('objects have 10 tags, of 128 and 256 characters', async () => {
    const tags = (count: number) => Array.from({ length: count }, (_, n) => `t${n}=v`).join('&')
    expect(outcome(await put('tags', { 'x-amz-tagging': tags(10) }))).toBe('200')
    expect(outcome(await put('tags', { 'x-amz-tagging': tags(11) }))).toBe('400 BadRequest')
    expect(outcome(await put('tags', { 'x-amz-tagging': `${'k'.repeat(128)}=${'v'.repeat(256)}` }))).toBe('200')
    expect(outcome(await put('tags', { 'x-amz-tagging': `${'k'.repeat(129)}=v` }))).toBe('400 InvalidTag')
    expect(outcome(await put('tags', { 'x-amz-tagging': `k=${'v'.repeat(257)}` }))).toBe('400 InvalidTag')
  })

  it('a deletion has 1,000 keys', async () => {
    const body = (count: number) => `<Delete>${times(count, (n) => `<Object><Key>none-${n}</Key></Object>`)}</Delete>`
    const remove = (count: number) =>
      send({ method: 'POST', path: '/objects', query: { delete: '' }, body: body(count) })
    expect(outcome(await remove(1000))).toBe('200')
    expect(outcome(await remove(1001))).toBe('400 MalformedXML')
  })

  it('parts are numbered to 10,000, and no more are listed', async () => {
    const upload = await send({ method: 'POST', path: '/objects/parts', query: { uploads: '' } })
    const uploadId = /<UploadId>(.*?)</.exec(upload.body.toString())?.[1] ?? ''
    const part = (partNumber: string) =>
      send({ method: 'PUT', path: '/objects/parts', query: { partNumber, uploadId }, body: 'x' })
    expect(outcome(await part('10000'))).toBe('200')
    for (const number of ['0', '10001', '-1', '1e3', ''])
      expect(outcome(await part(number))).toBe('400 InvalidArgument')
    const parts = times(10_001, (n) => `<Part><PartNumber>${n + 1}</PartNumber><ETag>"a"</ETag></Part>`)
    const body = `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`
    const complete = await send({ method: 'POST', path: '/objects/parts', query: { uploadId }, body })
    expect(complete.status).toBe(400)
    await send({ method: 'DELETE', path: '/objects/parts', query: { uploadId } })
  })

  it('a body has 5 GiB, and more is refused before a byte of it comes', async () => {
    const { target, headers } = signRaw(test.s3Url, {
      method: 'PUT',
      path: '/objects/large',
      payload: 'UNSIGNED-PAYLOAD',
    })
    const head = (size: number) =>
      [
        `PUT ${target} HTTP/1.1`,
        ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
        `content-length: ${size}`,
        'expect: 100-continue',
        '',
        '',
      ].join('\r\n')
    const refused = await exchange(test.s3Url, head(5 * 1024 ** 3 + 1))
    expect([refused.statuses, refused.text.includes('<Code>EntityTooLarge</Code>')]).toEqual([[400], true])
    expect((await exchange(test.s3Url, head(5 * 1024 ** 3), { patienceMs: 500 })).statuses).toEqual([100])
  })

  it('pages have 1,000 entries, whatever is asked for', async () => {
    const list = (maxKeys: string) =>
      send({ method: 'GET', path: '/objects', query: { 'list-type': '2', 'max-keys': maxKeys } })
    expect((await list('100000')).body.toString()).toContain('<MaxKeys>1000</MaxKeys>')
    for (const count of ['-1', 'x', '99999999999999999999'])
      expect(outcome(await list(count))).toBe('400 InvalidArgument')
  })

  it.each([
    [
      'policy',
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Deny',
            Principal: '*',
            Action: 's3:GetObject',
            Resource: 'arn:aws:s3:::objects/*',
            Sid: 's'.repeat(21_000),
          },
        ],
      }),
      /^400 (MalformedPolicy|PolicyTooLarge)$/,
    ],
    [
      'cors',
      `<CORSConfiguration>${times(101, () => '<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>')}</CORSConfiguration>`,
      /^400 /,
    ],
    [
      'lifecycle',
      `<LifecycleConfiguration>${times(1001, (n) => `<Rule><ID>${n}</ID><Status>Enabled</Status><Filter/><Expiration><Days>1</Days></Expiration></Rule>`)}</LifecycleConfiguration>`,
      /^400 /,
    ],
    [
      'tagging',
      `<Tagging><TagSet>${times(51, (n) => `<Tag><Key>${n}</Key><Value>v</Value></Tag>`)}</TagSet></Tagging>`,
      /^400 /,
    ],
    [
      'versioning',
      `<VersioningConfiguration><Status>Enabled</Status>${' '.repeat(17_000)}</VersioningConfiguration>`,
      /^400 (MalformedXML|MaxMessageLengthExceeded)$/,
    ],
    [
      'versioning',
      `<VersioningConfiguration>${'<a>'.repeat(20)}${'</a>'.repeat(20)}</VersioningConfiguration>`,
      /^400 MalformedXML$/,
    ],
  ])('documents have their size, depth and number of rules: %s', async (name, body, expected) => {
    expect(outcome(await configure(name, body))).toMatch(expected)
  })

  it('presigned URLs last 7 days', async () => {
    const url = (seconds: number) => {
      const now = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
      const credential = encodeURIComponent(
        `${mainAccount.user.accessKeyId}/${now.slice(0, 8)}/us-east-1/s3/aws4_request`,
      )
      const signature = 'a'.repeat(64)
      return `/objects/kept?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential}&X-Amz-Date=${now}&X-Amz-Expires=${seconds}&X-Amz-SignedHeaders=host&X-Amz-Signature=${signature}`
    }
    const get = (seconds: number) => sendPlain(test.s3Url, { method: 'GET', target: url(seconds) }).then(outcome)
    expect(await get(604_800)).toBe('403 SignatureDoesNotMatch')
    expect(await get(604_801)).toBe('400 AuthorizationQueryParametersError')
    expect(await get(0)).toMatch(/^40[03] /)
  })

  it('forms have 20 KiB before their file, and 200 parts', async () => {
    const part = (name: string, value: string) =>
      `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    const form = (fields: string) =>
      sendPlain(test.s3Url, {
        ...{ method: 'POST', target: '/objects', headers: { 'content-type': 'multipart/form-data; boundary=x' } },
        body: `${fields}--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--x--\r\n`,
      }).then(outcome)
    expect(await form(part('key', 'a') + part('a', 'v'.repeat(20 * 1024)))).toBe(
      '400 MaxPostPreDataLengthExceededError',
    )
    expect(await form(times(201, (n) => part(`f${n}`, 'v')))).toBe('400 MalformedPOSTRequest')
  })
})

describe('Of the query APIs', () => {
  it('a call has 512 KiB', async () => {
    const call = queryApi(test.s3Url, 'iam')
    expect((await call('CreateUser', { UserName: 'u'.repeat(600 * 1024) })).outcome).toBe('413 RequestEntityTooLarge')
    expect((await call('CreateUser', { UserName: 'u'.repeat(65) })).outcome).toBe('400 ValidationError')
  })
})

describe('Of the control listener', () => {
  const call = (method: string, target: string, body?: string, headers: Readonly<Record<string, string>> = {}) =>
    sendPlain(test.controlUrl, {
      ...{ method, target },
      headers: { ...bearer(token), 'bluemix-instance': mainAccount.keyProtectInstance, ...headers },
      ...(body === undefined ? {} : { body }),
    }).then(({ status }) => status)

  it.each([
    ['Key Protect', '/api/v2/keys', 256],
    ['policies', '/v1/policies', 256],
    ['identities', '/v1/serviceids', 64],
    ['instances', '/v2/resource_instances', 64],
    ['users', `/v2/accounts/${mainAccount.id}/users`, 256],
  ])('bodies have their size: %s', async (_what, target, kib) => {
    expect(await call('POST', target, JSON.stringify({ name: 'x'.repeat(kib * 1024) }))).toBe(413)
    expect(await call('POST', target, JSON.stringify({ name: 'x'.repeat(kib * 1024 - 1024) }))).toBe(400)
  })

  it('bodies are nested 100 deep', async () => {
    expect(await call('POST', '/api/v2/keys', `${'['.repeat(101)}${']'.repeat(101)}`)).toBe(400)
    expect(await call('POST', '/api/v2/keys', '['.repeat(200_000))).toBe(400)
  })

  it('heads have 16 KiB', async () => {
    const head = (size: number) =>
      exchange(
        test.controlUrl,
        `GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\nx: ${'a'.repeat(size)}\r\n\r\n`,
      )
    expect((await head(15_000)).statuses).toEqual([200])
    const beyond = await head(17_000)
    expect(beyond.statuses).toEqual([431])
    expect(beyond.text).toContain('{"error":{"code":"HeadTooLarge",')
    const unreadable = await exchange(
      test.controlUrl,
      'POST /api/v2/keys HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    )
    expect(unreadable.statuses).toEqual([400])
    expect(unreadable.text).toContain('"collectionType":"application/vnd.ibm.kms.error+json"')
  })

  it('tokens have 8,192 characters', async () => {
    expect(await call('GET', '/api/v2/keys', undefined, { authorization: `Bearer ${'a'.repeat(9000)}` })).toBe(401)
  })
})
