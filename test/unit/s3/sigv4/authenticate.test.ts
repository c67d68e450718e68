import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { S3Error } from '../../../../src/api/s3/error-codes.ts'
import documented from '../../../vectors/sigv4/documented.json' with { type: 'json' }
import { codeOf, rawRequest } from '../raw-request.ts'
import {
  CREDENTIAL,
  encodeKey,
  NOW,
  presign,
  type Signed,
  signer,
  signHeader,
  verify,
  verifyRequest,
} from './signer.ts'

const HOSTILE_KEYS = [
  'plain',
  '../../etc/passwd',
  './a/../b',
  '/leading',
  'a//b///c',
  'trailing/',
  'a+b c%20d',
  '100%',
  'a%2Fb',
  'ünïcödé/日本語/🦊',
  '~!*\'();:@&=+$,?#[]"<>\\^`{|}',
  ' ',
  '\u0001\u007f',
]

describe('documented examples', () => {
  const options = {
    now: Date.UTC(2013, 4, 24),
    credentials: [{ accessKeyId: documented.accessKeyId, secretAccessKey: documented.secretAccessKey }],
    regions: ['us-east-1'],
  }
  it.each(documented.requests)('verifies: $name', ({ method, target, headers }) => {
    const pairs = Object.entries(headers)
    expect(verifyRequest(rawRequest({ method, target, headers: pairs }), options).region).toBe('us-east-1')
  })
})

describe('header authentication', () => {
  it.each(HOSTILE_KEYS)('verifies what another implementation signed for the key %j', async (key) => {
    const signed = await signHeader({ method: 'PUT', path: `/bucket/${encodeKey(key)}`, body: 'hello' })
    const request = rawRequest(signed)
    expect(request.key).toBe(key)
    expect(verify(signed)).toMatchObject({ mode: 'header', credential: CREDENTIAL, region: 'us-east-1' })
  })

  it('verifies any key and query that another implementation signed', async () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((key) => !key.includes('\0'))
    // The other implementation keeps queries in plain objects, which have no member of that name.
    const anyName = text.filter((name) => name !== '__proto__')
    await fc.assert(
      fc.asyncProperty(text, anyName, text, async (key, name, value) => {
        const signed = await signHeader({ path: `/bucket/${encodeKey(key)}`, query: { [name]: value, acl: '' } })
        expect(rawRequest(signed).key).toBe(key)
        expect(verify(signed).mode).toBe('header')
      }),
      { numRuns: 60 },
    )
  })

  it('verifies repeated spaces, repeated query names and UTF-8 in a header', async () => {
    const utf8 = Buffer.from('ça  va à', 'utf8').toString('latin1')
    const signed = await signHeader({ query: { b: ['2', '1'], a: '' }, headers: { 'x-amz-meta-a': 'one   two' } })
    expect(verify(signed).mode).toBe('header')
    const other = await signHeader({ headers: { 'x-amz-meta-a': 'ça va à' } })
    expect(verify({ ...other, headers: { ...other.headers, 'x-amz-meta-a': utf8 } }).mode).toBe('header')
  })

  it('refuses a request in which any one byte of what was signed is changed', async () => {
    const signed = await signHeader({
      method: 'PUT',
      path: '/bucket/some/key',
      query: { partNumber: '1', uploadId: 'abc' },
      headers: { 'x-amz-meta-color': 'blue' },
      body: 'hello',
    })
    const fields: ((value: string) => Signed)[] = [
      (target) => ({ ...signed, target }),
      (method) => ({ ...signed, method }),
      ...Object.keys(signed.headers).map((name) => (value: string) => ({
        ...signed,
        headers: { ...signed.headers, [name]: value },
      })),
    ]
    const values = [signed.target, signed.method, ...Object.values(signed.headers)]
    let tried = 0
    for (const [index, change] of fields.entries()) {
      const value = values[index] ?? ''
      for (let at = 0; at < value.length; at++) {
        const changed = value.slice(0, at) + (value[at] === 'x' ? 'y' : 'x') + value.slice(at + 1)
        tried++
        expect(
          codeOf(() => verify(change(changed))),
          `${index} at ${at}: ${changed}`,
        ).not.toBe('none')
      }
    }
    expect(tried).toBeGreaterThan(300)
  })

  it('answers a wrong secret with what was signed here', async () => {
    const signed = await signHeader({}, signer({ ...CREDENTIAL, secretAccessKey: 'other' }))
    expect(() => verify(signed)).toThrow(S3Error)
    try {
      verify(signed)
    } catch (error) {
      if (!(error instanceof S3Error)) throw error
      expect(error.code).toBe('SignatureDoesNotMatch')
      expect(error.extra['StringToSign']).toMatch(/^AWS4-HMAC-SHA256\n20260405T060708Z\n/)
      expect(error.extra['CanonicalRequest']).toMatch(/^GET\n\/bucket\/key\n/)
      expect(error.extra['SignatureProvided']).toMatch(/^[0-9a-f]{64}$/)
    }
  })

  it('answers an unknown access key', async () => {
    const signed = await signHeader({}, signer({ accessKeyId: '__proto__', secretAccessKey: 'x' }))
    expect(codeOf(() => verify(signed))).toBe('InvalidAccessKeyId')
  })

  it.each([-15 * 60_000 - 1000, 15 * 60_000 + 1000])('refuses a clock that is off by %d ms', async (skew) => {
    const signed = await signHeader({}, signer(), NOW + skew)
    expect(codeOf(() => verify(signed))).toBe('RequestTimeTooSkewed')
  })

  it('accepts a clock that is off by less than 15 minutes', async () => {
    expect(verify(await signHeader({}, signer(), NOW - 14 * 60_000)).mode).toBe('header')
  })

  it('wants the region of the endpoint when there is one, and names it', async () => {
    const signed = await signHeader({}, signer(CREDENTIAL, 'eu-de'))
    expect(verify(signed, { regions: 'any' }).region).toBe('eu-de')
    expect(verify(signed, { regions: ['us-east-1', 'eu-de'] }).region).toBe('eu-de')
    expect(() => verify(signed, { regions: ['us-east-1'] })).toThrow(
      expect.objectContaining({ code: 'AuthorizationHeaderMalformed', extra: { Region: 'us-east-1' } }),
    )
  })

  const changes: [string, string, (headers: Record<string, string>) => void][] = [
    [
      'an unsigned x-amz- header',
      'AccessDenied',
      (h) => {
        h['x-amz-copy-source'] = '/other/secret'
      },
    ],
    [
      'an unsigned ibm- header',
      'AccessDenied',
      (h) => {
        h['ibm-sse-kp-encryption-algorithm'] = 'AES256'
      },
    ],
    [
      'no date',
      'AccessDenied',
      (h) => {
        delete h['x-amz-date']
      },
    ],
    [
      'an impossible date',
      'AccessDenied',
      (h) => {
        h['x-amz-date'] = '20260231T000000Z'
      },
    ],
    [
      'no payload hash',
      'InvalidRequest',
      (h) => {
        delete h['x-amz-content-sha256']
      },
    ],
    [
      'an unknown payload hash',
      'InvalidArgument',
      (h) => {
        h['x-amz-content-sha256'] = 'STREAMING-NONSENSE'
      },
    ],
    [
      'ECDSA chunks',
      'NotImplemented',
      (h) => {
        h['x-amz-content-sha256'] = 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD'
      },
    ],
    [
      'Signature Version 2',
      'InvalidRequest',
      (h) => {
        h['authorization'] = 'AWS AKID:c2lnbmF0dXJl'
      },
    ],
    [
      'an unknown scheme',
      'InvalidArgument',
      (h) => {
        h['authorization'] = 'Basic YTpi'
      },
    ],
    [
      'an empty Authorization',
      'InvalidArgument',
      (h) => {
        h['authorization'] = ''
      },
    ],
    [
      'no credential',
      'AuthorizationHeaderMalformed',
      (h) => {
        h['authorization'] = 'AWS4-HMAC-SHA256 Signature=00'
      },
    ],
    [
      'another service',
      'AuthorizationHeaderMalformed',
      (h) => {
        h['authorization'] = (h['authorization'] ?? '').replace('/s3/', '/s3tables/')
      },
    ],
    [
      'another day',
      'AuthorizationHeaderMalformed',
      (h) => {
        h['authorization'] = (h['authorization'] ?? '').replace('/20260405/', '/20260404/')
      },
    ],
    [
      'a repeated field',
      'AuthorizationHeaderMalformed',
      (h) => {
        h['authorization'] += ', Signature=00'
      },
    ],
    [
      'a repeated signed header',
      'SignatureDoesNotMatch',
      (h) => {
        h['authorization'] = (h['authorization'] ?? '').replace('=host;', '=host;host;')
      },
    ],
    [
      'an unsigned host',
      'AccessDenied',
      (h) => {
        h['authorization'] = (h['authorization'] ?? '').replace('=host;', '=')
      },
    ],
    [
      'an unwanted session token',
      'AccessDenied',
      (h) => {
        h['x-amz-security-token'] = 'x'
      },
    ],
  ]
  it.each(changes)('refuses %s with %s', async (_what, code, change) => {
    const signed = await signHeader({})
    const headers = { ...signed.headers }
    change(headers)
    expect(codeOf(() => verify({ ...signed, headers }))).toBe(code)
  })

  it.each(['Host', 'Authorization', 'X-Amz-Date', 'x-amz-content-sha256'])('refuses %s twice', async (name) => {
    const signed = await signHeader({})
    const headers: [string, string][] = [...Object.entries(signed.headers)]
    headers.push([name, signed.headers[name.toLowerCase()] ?? ''])
    expect(codeOf(() => verifyRequest(rawRequest({ target: signed.target, headers })))).toBe('InvalidRequest')
  })

  it('wants the session token of a temporary credential, and no other', async () => {
    const temporary = { ...CREDENTIAL, sessionToken: 'token+/=' }
    const signed = await signHeader({}, signer(temporary))
    expect(verify(signed, { credentials: [temporary] }).mode).toBe('header')
    expect(codeOf(() => verify(signed, { credentials: [{ ...temporary, sessionToken: 'other' }] }))).toBe(
      'InvalidToken',
    )
    expect(codeOf(() => verify(signed))).toBe('InvalidToken')
  })

  it('never remembers a key under which a secret was replaced', async () => {
    const signed = await signHeader({})
    expect(verify(signed).mode).toBe('header')
    const replaced = [{ ...CREDENTIAL, secretAccessKey: 'replaced' }]
    expect(codeOf(() => verify(signed, { credentials: replaced }))).toBe('SignatureDoesNotMatch')
    expect(verify(signed).mode).toBe('header')
  })
})

describe('query authentication', () => {
  it.each(HOSTILE_KEYS)('verifies a URL that another implementation presigned for the key %j', async (key) => {
    const signed = await presign({ path: `/bucket/${encodeKey(key)}`, query: { 'response-content-type': 'a b/c+d' } })
    expect(verify(signed)).toMatchObject({ mode: 'query', credential: CREDENTIAL })
  })

  it('refuses a URL in which any one byte is changed', async () => {
    const signed = await presign({ path: '/bucket/some/key', query: { versionId: 'v1' } })
    for (let at = 0; at < signed.target.length; at++) {
      const character = signed.target[at] === 'x' ? 'y' : 'x'
      const target = signed.target.slice(0, at) + character + signed.target.slice(at + 1)
      expect(
        codeOf(() => verify({ ...signed, target })),
        target,
      ).not.toBe('none')
    }
  })

  it('lets it expire, and not begin early', async () => {
    const signed = await presign({}, 300)
    expect(verify(signed, { now: NOW + 299_000 }).mode).toBe('query')
    expect(() => verify(signed, { now: NOW + 300_000 })).toThrow(
      expect.objectContaining({ code: 'AccessDenied', message: 'Request has expired' }),
    )
    expect(codeOf(() => verify(signed, { now: NOW - 16 * 60_000 }))).toBe('AccessDenied')
  })

  const replace = (name: string, value: string) => (target: string) =>
    target.replace(new RegExp(`${name}=[^&]*`), `${name}=${value}`)
  const drop = (name: string) => (target: string) => target.replace(new RegExp(`[?&]${name}=[^&]*`), '')
  const changes: [string, string, (target: string) => string][] = [
    ['more than a week', 'AuthorizationQueryParametersError', replace('X-Amz-Expires', '604801')],
    ['a negative life', 'AccessDenied', replace('X-Amz-Expires', '-1')],
    ['a life in words', 'AuthorizationQueryParametersError', replace('X-Amz-Expires', '1e3')],
    ['no life at all', 'AccessDenied', replace('X-Amz-Expires', '0')],
    ['a missing life', 'AuthorizationQueryParametersError', drop('X-Amz-Expires')],
    ['a missing signature', 'AuthorizationQueryParametersError', drop('X-Amz-Signature')],
    ['another algorithm', 'AuthorizationQueryParametersError', replace('X-Amz-Algorithm', 'AWS4-HMAC-SHA1')],
    ['a parameter given twice', 'AuthorizationQueryParametersError', (target) => `${target}&X-Amz-Expires=300`],
    ['a bad date', 'AuthorizationQueryParametersError', replace('X-Amz-Date', '20260405')],
    ['Signature Version 2', 'InvalidRequest', () => '/bucket/key?AWSAccessKeyId=A&Signature=B&Expires=1'],
    ['no authentication', 'AccessDenied', () => '/bucket/key'],
  ]
  it.each(changes)('refuses %s with %s', async (_what, code, change) => {
    const signed = await presign({})
    expect(codeOf(() => verify({ ...signed, target: change(signed.target) }))).toBe(code)
  })

  it('refuses a header that takes effect and was not signed', async () => {
    const signed = await presign({ method: 'PUT' })
    const headers = { ...signed.headers, 'x-amz-copy-source': '/other/secret' }
    expect(() => verify({ ...signed, headers })).toThrow(
      expect.objectContaining({ code: 'AccessDenied', extra: { HeadersNotSigned: 'x-amz-copy-source' } }),
    )
  })

  it('refuses two mechanisms at once', async () => {
    const { headers } = await signHeader({})
    expect(codeOf(() => verify({ ...{ method: 'GET', headers }, target: '/b/k?X-Amz-Signature=1' }))).toBe(
      'InvalidArgument',
    )
  })
})
