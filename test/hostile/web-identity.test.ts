import { createHmac, X509Certificate } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { testCertificates } from '../support/certificate.ts'
import { ecKey, type HostileIssuer, json, part, rsaKey, startHostileIssuer, token } from '../support/hostile-issuer.ts'
import { otherAccount } from '../support/other-account.ts'
import { queryApi } from '../support/query-api.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

const [rsa, ec, stranger] = [rsaKey('rsa'), ecKey('ec'), rsaKey('rsa')]
const CONFIGURATION = '/.well-known/openid-configuration'
const INVALID = '400 InvalidIdentityToken'
const UNREACHABLE = '400 IDPCommunicationError'

let offsetMs = 0
let idp: HostileIssuer
let test: SharedHouse
beforeAll(async () => {
  idp = await startHostileIssuer([rsa.jwk, ec.jwk])
  test = await startSharedHouse('classic', {
    settings: { COFFER_IAM_OIDC_HTTP_ISSUERS: idp.issuer, COFFER_IAM_OIDC_NETWORKS: '127.0.0.0/8,::1' },
    clock: { now: () => Date.now() + offsetMs },
  })
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
  await idp[Symbol.asyncDispose]()
})

const iamOf = ({ user }: typeof mainAccount) => queryApi(test.house.s3Url, 'iam', user)

/** Unsigned. */
const assume = (RoleArn: string, WebIdentityToken: string): Promise<string> => {
  const call = { Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', RoleSessionName: 'day' }
  const body = new URLSearchParams({ ...call, RoleArn, WebIdentityToken }).toString()
  return test.anonymous('POST', '/', body, { 'content-type': 'application/x-www-form-urlencoded' })
}

async function provider(Url: string, account = mainAccount, thumbprint?: string): Promise<string> {
  const trusted = thumbprint === undefined ? {} : { 'ThumbprintList.member.1': thumbprint }
  const params = { Url, 'ClientIDList.member.1': 'app', ...trusted }
  const reply = await iamOf(account)('CreateOpenIDConnectProvider', params)
  expect(reply.outcome).toBe('200')
  return reply.text('OpenIDConnectProviderArn')
}

let made = 0
async function role(providerArn: string, account = mainAccount): Promise<string> {
  const statement = { Effect: 'Allow', Principal: { Federated: providerArn }, Action: 'sts:AssumeRoleWithWebIdentity' }
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  const RoleName = `hostile-${++made}`
  return (await iamOf(account)('CreateRole', { RoleName, AssumeRolePolicyDocument })).text('Arn')
}

/** A provider of its own for each test: nothing is known of it. */
let RoleArn = ''
let providerArn = ''
beforeEach(async () => {
  providerArn = await provider(idp.issuer)
  RoleArn = await role(providerArn)
})
afterEach(async () => {
  offsetMs = 0
  await iamOf(mainAccount)('DeleteOpenIDConnectProvider', { OpenIDConnectProviderArn: providerArn })
  idp.answers.clear()
  idp.asked.clear()
  idp.keys.splice(0, Number.POSITIVE_INFINITY, rsa.jwk, ec.jwk)
})

const now = () => Math.floor((Date.now() + offsetMs) / 1000)
const claims = (more: object = {}) => ({
  ...{ iss: idp.issuer, sub: 'anna', aud: 'app', iat: now(), exp: now() + 600 },
  ...more,
})

describe('a token', () => {
  it('counts when it is signed by a key of its issuer', async () => {
    expect(await assume(RoleArn, token(rsa, claims()))).toBe('200')
    expect(await assume(RoleArn, token(ec, claims()))).toBe('200')
  })

  it('counts for nothing without a signature, or with one that anybody can make', async () => {
    const unsigned = (alg: string) => `${part({ alg, kid: 'rsa' })}.${part(claims())}`
    for (const alg of ['none', 'None', 'NONE', '']) {
      for (const signature of ['', 'AAAA']) {
        expect(await assume(RoleArn, `${unsigned(alg)}.${signature}`)).toBe(INVALID)
      }
    }
    const publicKeys = [
      rsa.publicKey.export({ type: 'spki', format: 'pem' }),
      rsa.publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(rsa.jwk),
    ]
    for (const key of publicKeys) {
      const signed = unsigned('HS256')
      const mac = createHmac('sha256', key).update(signed).digest('base64url')
      expect(await assume(RoleArn, `${signed}.${mac}`)).toBe(INVALID)
    }
  })

  it('counts for nothing when the key is another, of another kind, or its own', async () => {
    expect(await assume(RoleArn, token(stranger, claims()))).toBe(INVALID)
    expect(await assume(RoleArn, token(rsa, claims(), { alg: 'RS256', kid: 'ec' }))).toBe(INVALID)
    expect(await assume(RoleArn, token(rsa, claims(), { alg: 'ES256', kid: 'rsa' }))).toBe(INVALID)
    expect(await assume(RoleArn, token(stranger, claims(), { alg: 'RS256', kid: 'rsa', jwk: stranger.jwk }))).toBe(
      INVALID,
    )
    const jku = `${idp.issuer}/their-keys`
    idp.answers.set('/their-keys', json({ keys: [stranger.jwk] }))
    expect(await assume(RoleArn, token(stranger, claims(), { alg: 'RS256', kid: 'rsa', jku }))).toBe(INVALID)
    expect(idp.asked.has('/their-keys')).toBe(false)
    expect(await assume(RoleArn, token(rsa, claims(), { alg: 'RS256', kid: 'rsa', crit: ['x'], x: 1 }))).toBe(INVALID)
    const [header, , signature] = token(rsa, claims()).split('.')
    expect(await assume(RoleArn, [header, part(claims({ sub: 'root' })), signature].join('.'))).toBe(INVALID)
  })

  it('counts for nothing when the key of its issuer is weak, shared, or not for signatures', async () => {
    const weak = rsaKey('weak', 1024)
    const secret = Buffer.alloc(32, 1)
    const noSignatures = rsaKey('enc')
    idp.keys.push(weak.jwk, { kty: 'oct', k: secret.toString('base64url'), kid: 'oct' })
    idp.keys.push({ ...noSignatures.jwk, use: 'enc' })
    expect(await assume(RoleArn, token(weak, claims()))).toBe(INVALID)
    expect(await assume(RoleArn, token(noSignatures, claims()))).toBe(INVALID)
    const signed = `${part({ alg: 'HS256', kid: 'oct' })}.${part(claims())}`
    const mac = createHmac('sha256', secret).update(signed).digest('base64url')
    expect(await assume(RoleArn, `${signed}.${mac}`)).toBe(INVALID)
    expect(await assume(RoleArn, token(rsa, claims()))).toBe('200')
  })

  it('is refused for another client, by another issuer, too early and too late', async () => {
    for (const wrong of [
      ...[{ aud: 'other' }, { aud: ['app', 'other'] }, { aud: [] }, { aud: 'app', azp: 'other' }, { aud: undefined }],
      ...[{ iss: `${idp.issuer}/` }, { iss: 'https://other.example' }, { iss: idp.issuer.replace('http:', 'https:') }],
      ...[{ sub: undefined }, { sub: '' }, { sub: 7 }, { exp: undefined }, { exp: 'never' }, { iat: undefined }],
    ]) {
      expect([wrong, await assume(RoleArn, token(rsa, claims(wrong)))]).toEqual([wrong, INVALID])
    }
    expect(await assume(RoleArn, token(rsa, claims({ aud: ['other'], azp: 'app' })))).toBe('200')
    expect(await assume(RoleArn, token(rsa, claims({ exp: now() - 90 })))).toBe('400 ExpiredTokenException')
    expect(await assume(RoleArn, token(rsa, claims({ exp: now() - 30 })))).toBe('200')
    expect(await assume(RoleArn, token(rsa, claims({ nbf: now() + 90 })))).toBe('403 IDPRejectedClaim')
    expect(await assume(RoleArn, token(rsa, claims({ iat: now() + 90 })))).toBe('403 IDPRejectedClaim')
    expect(await assume(RoleArn, token(rsa, claims({ nbf: now() + 30, iat: now() + 30 })))).toBe('200')
  })

  it('has one text and one meaning', async () => {
    const good = token(rsa, claims())
    const text = JSON.stringify(claims())
    for (const twice of [
      `{"sub":"root",${text.slice(1)}`,
      text.replace('{', '{"\\u0073ub":"root",'),
      text.replace('{', '{"x":{"a":1,"a":2},'),
    ]) {
      expect(await assume(RoleArn, token(rsa, twice))).toBe(INVALID)
    }
    const header = '{"alg":"none","alg":"RS256","kid":"rsa"}'
    expect(await assume(RoleArn, token(rsa, claims(), header))).toBe(INVALID)
    const bytes = good.split('.')
    const changed = [
      ...[
        `${good}=`,
        `${good}.`,
        `.${good}`,
        `${good}.x`,
        bytes.slice(0, 2).join('.'),
        'abcdef',
        '....',
        good.replace('.', ' .'),
      ],
      ...[JSON.stringify({ payload: bytes[1], signatures: [] }), token(rsa, '[]'), token(rsa, 'null'), token(rsa, '{')],
    ]
    for (const one of changed) expect([one, await assume(RoleArn, one)]).toEqual([one, INVALID])
    expect(await assume(RoleArn, good)).toBe('200')
    expect(await assume(RoleArn, `${good}${'A'.repeat(20_000)}`)).toBe('400 ValidationError')
    expect(await assume(RoleArn, token(rsa, claims({ x: 'x'.repeat(13_000) })))).toBe('200')
    expect(await assume(RoleArn, token(rsa, `${'['.repeat(7000)}${']'.repeat(7000)}`))).toBe(INVALID)
  })

  it('is refused with tags that are not understood', async () => {
    const name = 'https://aws.amazon.com/tags'
    const tags = (value: unknown) => claims({ [name]: value })
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 'v']))
    for (const wrong of [
      ...['x', [], null, { principal_tags: [] }, { principal_tags: { a: ['1', '2'] } }, { principal_tags: { a: 1 } }],
      ...[{ principal_tags: { a: '1', A: '2' } }, { principal_tags: { 'aws:x': '1' } }, { principal_tags: many }],
      ...[{ principal_tags: { a: 'x'.repeat(257) } }, { principal_tags: {}, transitive_tag_keys: ['a'] }, { other: 1 }],
    ]) {
      expect([wrong, await assume(RoleArn, token(rsa, tags(wrong)))]).toEqual([wrong, INVALID])
    }
    const flat = claims({ [`${name}/principal_tags/a`]: '1', [`${name}/principal_tags/A`]: '2' })
    expect(await assume(RoleArn, token(rsa, flat))).toBe(INVALID)
    expect(await assume(RoleArn, token(rsa, claims({ [`${name}/other`]: '1' })))).toBe(INVALID)
    // Good ones need a right that the role's trust policy does not give.
    expect(await assume(RoleArn, token(rsa, tags({ principal_tags: { a: '1' } })))).toBe('403 AccessDenied')
    expect(await assume(RoleArn, token(rsa, claims({ [`${name}/principal_tags/a`]: ['1'] })))).toBe('403 AccessDenied')
    expect(await assume(RoleArn, token(rsa, tags({})))).toBe('200')
  })

  it('counts in the account only whose provider it is of', async () => {
    const foreign = await role(providerArn, otherAccount)
    expect(await assume(foreign, token(rsa, claims()))).toBe(INVALID)
    const own = await provider(idp.issuer, otherAccount)
    // The role trusts the provider of the other account, which is not the one of its own.
    expect(await assume(foreign, token(rsa, claims()))).toBe('403 AccessDenied')
    expect(await assume(await role(own, otherAccount), token(rsa, claims()))).toBe('200')
  })
})

describe('an issuer', () => {
  const good = () => assume(RoleArn, token(rsa, claims()))

  it('is asked for nothing on behalf of tokens that could not count', async () => {
    await assume(RoleArn, token(rsa, claims({ iss: 'https://other.example' })))
    await assume(RoleArn, token(rsa, claims({ exp: now() - 90 })))
    await assume(RoleArn, `${part({ alg: 'none' })}.${part(claims())}.AAAA`)
    await assume('arn:aws:iam::0:role/none', token(rsa, claims()))
    expect(idp.asked.size).toBe(0)
  })

  it('is asked once for many, and again for a key that is not known, but seldom', async () => {
    expect(new Set(await Promise.all(Array.from({ length: 10 }, good)))).toEqual(new Set(['200']))
    const rotated = rsaKey('rotated')
    expect([idp.asked.get(CONFIGURATION), idp.asked.get('/keys')]).toEqual([1, 1])
    for (let n = 0; n < 5; n++) expect(await assume(RoleArn, token(rotated, claims()))).toBe(INVALID)
    expect(idp.asked.get('/keys')).toBe(1)
    idp.keys.splice(0, 1, rotated.jwk)
    offsetMs = 31_000
    expect(await assume(RoleArn, token(rotated, claims()))).toBe('200')
    expect(idp.asked.get('/keys')).toBe(2)
    // A key that is withdrawn is.
    expect(await good()).toBe(INVALID)
    offsetMs = 62_000
    idp.answers.set(CONFIGURATION, (response) => void response.writeHead(503).end())
    expect(await assume(RoleArn, token(rsaKey('unknown'), claims()))).toBe(UNREACHABLE)
    // What was known stays known.
    expect(await assume(RoleArn, token(rotated, claims()))).toBe('200')
    offsetMs = 700_000
    expect(await assume(RoleArn, token(rotated, claims()))).toBe(UNREACHABLE)
    idp.answers.clear()
    expect(await assume(RoleArn, token(rotated, claims()))).toBe(UNREACHABLE)
    offsetMs = 710_000
    expect(await assume(RoleArn, token(rotated, claims()))).toBe('200')
  })

  it('that leads elsewhere, or says to be another, is not followed', async () => {
    const secret = '/secret'
    const elsewhere = await startHostileIssuer([rsa.jwk])
    await using _ = elsewhere
    const configurations = [
      { issuer: 'https://other.example', jwks_uri: `${idp.issuer}/keys` },
      { issuer: idp.issuer, jwks_uri: `${elsewhere.issuer}/keys` },
      { issuer: idp.issuer, jwks_uri: 'file:///etc/passwd' },
      { issuer: idp.issuer, jwks_uri: `http://a:b@${idp.issuer.slice(7)}/keys` },
      { issuer: idp.issuer, jwks_uri: 7 },
      { issuer: idp.issuer },
      [],
    ]
    for (const [index, configuration] of configurations.entries()) {
      idp.answers.set(CONFIGURATION, json(configuration))
      offsetMs = index * 10_000
      expect([configuration, await good()]).toEqual([configuration, INVALID])
    }
    idp.answers.delete(CONFIGURATION)
    for (const [index, status] of [301, 302, 307, 308].entries()) {
      const location = index % 2 === 0 ? `${elsewhere.issuer}${secret}` : secret
      idp.answers.set('/keys', (response) => void response.writeHead(status, { location }).end())
      offsetMs += 10_000
      expect(await good()).toBe(INVALID)
    }
    expect([elsewhere.asked.size, idp.asked.has(secret)]).toEqual([0, false])
  })

  it('that shows too much, nonsense or nothing is not waited for', async () => {
    const key = JSON.stringify(rsa.jwk)
    const answers: readonly [string, typeof idp.answers extends Map<string, infer One> ? One : never][] = [
      [INVALID, (response) => void response.end(`{"keys":[${key}],"x":"${'x'.repeat(300_000)}"}`)],
      [INVALID, json({ keys: Array.from({ length: 101 }, () => rsa.jwk) })],
      [INVALID, (response) => void response.end('{"keys":[')],
      [INVALID, (response) => void response.end(`{"keys":[],"keys":[${key}]}`)],
      [INVALID, json({ keys: [{ ...rsa.jwk, n: '' }] })],
      [INVALID, json({ keys: [null] })],
      [INVALID, json(null)],
      [INVALID, (response) => void response.writeHead(404).end()],
      [UNREACHABLE, (response) => void response.destroy()],
      [UNREACHABLE, (response) => void response.write('{"keys":', () => response.destroy())],
      [
        UNREACHABLE,
        (response) => {
          const flood = () => {
            while (!response.destroyed && response.write(Buffer.alloc(65_536, 32))) {}
          }
          response.on('drain', flood)
          flood()
        },
      ],
    ]
    for (const [expected, answer] of answers) {
      idp.answers.set('/keys', answer)
      offsetMs += 601_000
      expect(await good()).toBe(expected)
    }
    idp.answers.clear()
    offsetMs += 601_000
    expect(await good()).toBe('200')
  })

  it('that never answers is given up', async () => {
    idp.answers.set('/keys', (response) => {
      const drip = setInterval(() => response.write(' '), 200)
      response.on('close', () => clearInterval(drip))
    })
    expect(await good()).toBe(UNREACHABLE)
  }, 15_000)
})

describe('TLS of an issuer', () => {
  const [ours, theirs] = [testCertificates(), testCertificates()]
  const sha1 = (pem: string) => new X509Certificate(pem).fingerprint.replaceAll(':', '')

  it('is by an authority, or under a certificate whose thumbprint was given', async () => {
    await using secure = await startHostileIssuer([rsa.jwk], { tls: ours })
    const OpenIDConnectProviderArn = await provider(secure.issuer)
    const arn = await role(OpenIDConnectProviderArn)
    const assumed = () => assume(arn, token(rsa, claims({ iss: secure.issuer })))
    expect(await assumed()).toBe(UNREACHABLE)
    const assumedWith = async (thumbprint: string) => {
      const change = { OpenIDConnectProviderArn, 'ThumbprintList.member.1': thumbprint }
      await iamOf(mainAccount)('UpdateOpenIDConnectProviderThumbprint', change)
      return await assumed()
    }
    expect(await assumedWith(sha1(theirs.ca))).toBe(UNREACHABLE)
    expect(await assumedWith(sha1(ours.ca))).toBe('200')
    expect(await assumedWith(sha1(ours.cert))).toBe('200')
    expect(secure.asked.get('/keys')).toBe(2)
  })

  it('is not that of somebody who only shows the certificate', async () => {
    await using secure = await startHostileIssuer([rsa.jwk], { tls: { ...theirs, ca: ours.ca } })
    const arn = await role(await provider(secure.issuer, mainAccount, sha1(ours.ca)))
    expect(await assume(arn, token(rsa, claims({ iss: secure.issuer })))).toBe(UNREACHABLE)
    expect(secure.asked.size).toBe(0)
  })
})
