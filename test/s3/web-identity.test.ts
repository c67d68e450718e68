import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AddClientIDToOpenIDConnectProviderCommand,
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  DeleteOpenIDConnectProviderCommand,
  GetOpenIDConnectProviderCommand,
  IAMClient,
  ListOpenIDConnectProvidersCommand,
  PutRolePolicyCommand,
  RemoveClientIDFromOpenIDConnectProviderCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateOpenIDConnectProviderThumbprintCommand,
} from '@aws-sdk/client-iam'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  type AssumeRoleWithWebIdentityCommandInput,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { eventsIn } from '../support/audit-log.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { testCertificates } from '../support/certificate.ts'
import { startHouse } from '../support/house.ts'
import { CLIENT_ID, type IdentityProvider, startIdentityProvider, TAGS } from '../support/identity-provider.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome } from '../support/outcome.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let offsetMs = 0
let provider: IdentityProvider
let test: SharedHouse
let iam: IAMClient
beforeAll(async () => {
  provider = await startIdentityProvider()
  test = await startSharedHouse('classic', {
    settings: { COFFER_IAM_OIDC_HTTP_ISSUERS: provider.issuer },
    clock: { now: () => Date.now() + offsetMs },
  })
  iam = iamOf(mainAccount.user)
  await iam.send(new CreateOpenIDConnectProviderCommand({ Url: provider.issuer, ClientIDList: [CLIENT_ID] }))
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})

const config = () => ({ endpoint: test.house.s3Url, region: 'us-east-1', maxAttempts: 1 })
const iamOf = ({ accessKeyId, secretAccessKey }: typeof mainAccount.user) =>
  new IAMClient({ ...config(), credentials: { accessKeyId, secretAccessKey } })
const policy = (...statements: object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allow = (Action: string, more = {}) => ({ Effect: 'Allow', Action, Resource: '*', ...more })
const name = () => provider.issuer.replace('http://', '')
const arn = () => `arn:aws:iam::${mainAccount.id}:oidc-provider/${name()}`
const trust = (Condition: object = {}, more: object = {}) =>
  policy({
    ...{ Effect: 'Allow', Principal: { Federated: arn() }, Action: 'sts:AssumeRoleWithWebIdentity', Condition },
    ...more,
  })

let made = 0
async function role(trusted: string, ...statements: object[]) {
  const RoleName = `web-${++made}`
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trusted }))
  if (statements.length > 0) {
    const PolicyDocument = policy(...statements)
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'p', PolicyDocument }))
  }
  return { RoleName, RoleArn: Role?.Arn ?? '' }
}

/** As whoever has no credentials: the call is not signed. */
const assume = (RoleArn: string, WebIdentityToken: string, more: Partial<AssumeRoleWithWebIdentityCommandInput> = {}) =>
  new STSClient({ ...config(), credentials: { accessKeyId: '', secretAccessKey: '' } }).send(
    new AssumeRoleWithWebIdentityCommand({ RoleArn, WebIdentityToken, RoleSessionName: 'day', ...more }),
  )
type Assumed = Awaited<ReturnType<typeof assume>>
const keysOf = ({ Credentials }: Assumed) => ({
  accessKeyId: Credentials?.AccessKeyId ?? '',
  secretAccessKey: Credentials?.SecretAccessKey ?? '',
  sessionToken: Credentials?.SessionToken ?? '',
})
const s3Of = (assumed: Assumed) => test.house.client(mainAccount, { credentials: keysOf(assumed) })
const get = (s3: S3Client, Bucket: string, Key = 'cat') => outcome(s3.send(new GetObjectCommand({ Bucket, Key })))
const put = (s3: S3Client, Bucket: string, Key = 'new') =>
  outcome(s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' })))

describe('AssumeRoleWithWebIdentity', () => {
  it('gives whom a real provider knows the role, and says who it is', async () => {
    const Bucket = await test.bucket()
    const { RoleArn, RoleName } = await role(trust(), allow('s3:GetObject'))
    const assumed = await assume(RoleArn, await provider.idToken('anna'))
    expect(assumed).toMatchObject({
      SubjectFromWebIdentityToken: 'anna',
      Audience: CLIENT_ID,
      Provider: provider.issuer,
      AssumedRoleUser: { Arn: `arn:aws:sts::${mainAccount.id}:assumed-role/${RoleName}/day` },
    })
    expect(assumed.AssumedRoleUser?.AssumedRoleId).toMatch(/^AROA[A-Z2-7]{17}:day$/)
    const s3 = s3Of(assumed)
    expect([await get(s3, Bucket), await put(s3, Bucket)]).toEqual(['200', '403 AccessDenied'])
    const who = await new STSClient({ ...config(), credentials: keysOf(assumed) }).send(new GetCallerIdentityCommand())
    expect(who.Arn).toBe(assumed.AssumedRoleUser?.Arn)
  })

  it('is decided by the trust policy: the provider, and what it says', async () => {
    const token = await provider.idToken('anna')
    const isAnna = { StringEquals: { [`${name()}:sub`]: 'anna', [`${name()}:aud`]: CLIENT_ID } }
    const anna = await role(trust(isAnna))
    expect(await outcome(assume(anna.RoleArn, token))).toBe('200')
    expect(await outcome(assume(anna.RoleArn, await provider.idToken('bob')))).toBe('403 AccessDenied')
    const other = `arn:aws:iam::${mainAccount.id}:oidc-provider/other.example`
    for (const trusted of [
      trust({ StringEquals: { [`${name()}:aud`]: 'another' } }),
      trust({ StringEquals: { 'other.example:sub': 'anna' } }),
      trust({}, { Principal: { Federated: other } }),
      trust({}, { Principal: { AWS: mainAccount.id } }),
      trust({}, { Principal: '*' }),
      trust({}, { Principal: { Federated: other, AWS: '*' } }),
      trust({}, { Action: 'sts:AssumeRole' }),
      policy(JSON.parse(trust()).Statement[0], { ...JSON.parse(trust(isAnna)).Statement[0], Effect: 'Deny' }),
    ]) {
      expect(await outcome(assume((await role(trusted)).RoleArn, token))).toBe('403 AccessDenied')
    }
    expect(await outcome(assume(`${anna.RoleArn}x`, token))).toBe('403 AccessDenied')
    const named = { StringEquals: { 'sts:RoleSessionName': 'day', 'aws:FederatedProvider': arn() } }
    expect(await outcome(assume((await role(trust(named))).RoleArn, token))).toBe('200')
  })

  it('takes tokens for registered clients only', async () => {
    const { RoleArn } = await role(trust())
    const token = await provider.idToken('anna', 'another')
    expect(await outcome(assume(RoleArn, token))).toBe('400 InvalidIdentityToken')
    const client = { OpenIDConnectProviderArn: arn(), ClientID: 'another' }
    await iam.send(new AddClientIDToOpenIDConnectProviderCommand(client))
    expect(await outcome(assume(RoleArn, token))).toBe('200')
    await iam.send(new RemoveClientIDFromOpenIDConnectProviderCommand(client))
    expect(await outcome(assume(RoleArn, token))).toBe('400 InvalidIdentityToken')
  })

  it('may be given policies and a duration, within those of the role', async () => {
    const Bucket = await test.bucket()
    const { RoleArn } = await role(trust(), allow('s3:*'))
    const token = await provider.idToken('anna')
    const s3 = s3Of(await assume(RoleArn, token, { Policy: policy(allow('s3:GetObject')) }))
    expect([await get(s3, Bucket), await put(s3, Bucket)]).toEqual(['200', '403 AccessDenied'])
    const PolicyArns = [{ arn: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' }]
    const reader = s3Of(await assume(RoleArn, token, { PolicyArns, DurationSeconds: 900 }))
    expect([await get(reader, Bucket), await put(reader, Bucket)]).toEqual(['200', '403 AccessDenied'])
    for (const DurationSeconds of [899, 3601]) {
      expect(await outcome(assume(RoleArn, token, { DurationSeconds }))).toBe('400 ValidationError')
    }
    expect(await outcome(assume(RoleArn, token, { Policy: '{' }))).toBe('400 MalformedPolicyDocument')
    expect(await outcome(assume(RoleArn, token, { ProviderId: 'graph.facebook.com' }))).toBe(
      '400 InvalidParameterValue',
    )
  })

  it('tells the policies of its requests who came through which provider', async () => {
    const Bucket = await test.bucket()
    const own = `arn:aws:s3:::${Bucket}/\${${name()}:sub}/*`
    const { RoleArn } = await role(trust(), allow('s3:PutObject', { Resource: own }))
    const s3 = s3Of(await assume(RoleArn, await provider.idToken('anna')))
    expect(await put(s3, Bucket, 'anna/x')).toBe('200')
    expect(await put(s3, Bucket, 'bob/x')).toBe('403 AccessDenied')
    const federated = { StringEquals: { 'aws:FederatedProvider': arn(), [`${name()}:sub`]: 'anna' } }
    await test.policy(Bucket, { Principal: { AWS: RoleArn }, Condition: federated })
    expect(await get(s3, Bucket)).toBe('200')
    const bob = s3Of(await assume(RoleArn, await provider.idToken('bob')))
    expect(await get(bob, Bucket)).toBe('403 AccessDenied')
    const noWeb = { ...federated, StringEquals: { 'aws:FederatedProvider': `${arn()}x` } }
    await test.policy(Bucket, { Principal: { AWS: RoleArn }, Condition: noWeb })
    expect(await get(s3, Bucket)).toBe('403 AccessDenied')
  })

  it('gives the session the tags of the token, if the trust policy lets it', async () => {
    const Bucket = await test.bucket()
    provider.claims.set('tina', {
      [TAGS]: { principal_tags: { Department: ['Engineering'], Team: 'blue' }, transitive_tag_keys: ['Department'] },
    })
    const token = await provider.idToken('tina')
    const Action = ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession']
    const wanted = { StringEquals: { 'aws:RequestTag/Department': 'Engineering' } }
    expect(await outcome(assume((await role(trust())).RoleArn, token))).toBe('403 AccessDenied')
    const others = { StringEquals: { 'aws:RequestTag/Department': 'Sales' } }
    expect(await outcome(assume((await role(trust(others, { Action }))).RoleArn, token))).toBe('403 AccessDenied')
    const only = { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['Department'] } }
    expect(await outcome(assume((await role(trust(only, { Action }))).RoleArn, token))).toBe('403 AccessDenied')
    const handedOn = { 'ForAnyValue:StringEquals': { 'sts:TransitiveTagKeys': 'Department' } }
    expect(await outcome(assume((await role(trust(handedOn, { Action }))).RoleArn, token))).toBe('200')
    const engineers = { StringEquals: { 'aws:PrincipalTag/department': 'Engineering' } }
    const own = `arn:aws:s3:::${Bucket}/\${aws:PrincipalTag/Team}/*`
    const { RoleArn } = await role(
      trust(wanted, { Action }),
      allow('s3:GetObject', { Condition: engineers }),
      allow('s3:PutObject', { Resource: own }),
      allow('sts:*'),
    )
    const assumed = await assume(RoleArn, token)
    const s3 = s3Of(assumed)
    expect([await get(s3, Bucket), await put(s3, Bucket, 'blue/x')]).toEqual(['200', '200'])
    expect(await put(s3, Bucket, 'red/x')).toBe('403 AccessDenied')
    expect(await outcome(assume(RoleArn, await provider.idToken('anna')))).toBe('403 AccessDenied')
    // What is transitive is the next session's as well.
    const next = await role(
      policy({ Effect: 'Allow', Principal: { AWS: RoleArn }, Action: ['sts:AssumeRole', 'sts:TagSession'] }),
      allow('s3:GetObject', { Condition: engineers }),
      allow('s3:PutObject', { Resource: own }),
    )
    const sts = new STSClient({ ...config(), credentials: keysOf(assumed) })
    const take = (more: object = {}) =>
      sts.send(new AssumeRoleCommand({ RoleArn: next.RoleArn, RoleSessionName: 'next', ...more }))
    const second = s3Of(await take())
    expect([await get(second, Bucket), await put(second, Bucket, 'blue/x')]).toEqual(['200', '403 AccessDenied'])
    const third = s3Of(await take({ Tags: [{ Key: 'Team', Value: 'red' }] }))
    expect([await put(third, Bucket, 'red/x'), await put(third, Bucket, 'blue/x')]).toEqual(['200', '403 AccessDenied'])
    const anew = take({ Tags: [{ Key: 'department', Value: 'Sales' }] })
    expect(await outcome(anew)).toBe('400 ValidationError')
    const untagged = await role(policy({ Effect: 'Allow', Principal: { AWS: RoleArn }, Action: 'sts:AssumeRole' }))
    expect(await outcome(take({ RoleArn: untagged.RoleArn }))).toBe('403 AccessDenied')
  })

  it('ends when it expires, and at once with its provider, with what was got through it', async () => {
    const Bucket = await test.bucket()
    const second = await role(policy({ Effect: 'Allow', Principal: { AWS: mainAccount.id }, Action: 'sts:AssumeRole' }))
    const { RoleArn } = await role(trust(), allow('s3:GetObject'), allow('sts:AssumeRole'))
    await iam.send(
      new PutRolePolicyCommand({ ...second, PolicyName: 'p', PolicyDocument: policy(allow('s3:GetObject')) }),
    )
    const assumed = await assume(RoleArn, await provider.idToken('anna'))
    const sts = new STSClient({ ...config(), credentials: keysOf(assumed) })
    const chained = await sts.send(new AssumeRoleCommand({ RoleArn: second.RoleArn, RoleSessionName: 'next' }))
    const [one, two] = [s3Of(assumed), s3Of(chained)]
    expect([await get(one, Bucket), await get(two, Bucket)]).toEqual(['200', '200'])
    const registered = { Url: provider.issuer, ClientIDList: [CLIENT_ID] }
    await iam.send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn() }))
    const gone = '403 InvalidAccessKeyId'
    expect([await get(one, Bucket), await get(two, Bucket)]).toEqual([gone, gone])
    expect(await outcome(assume(RoleArn, await provider.idToken('anna')))).toBe('400 InvalidIdentityToken')
    await iam.send(new CreateOpenIDConnectProviderCommand(registered))
    // A later one of the same URL is another one.
    expect(await get(one, Bucket)).toBe(gone)
    expect(await outcome(assume(RoleArn, await provider.idToken('anna')))).toBe('200')
  })

  it('says that a token has expired', async () => {
    const { RoleArn } = await role(trust())
    const token = await provider.idToken('anna')
    try {
      offsetMs = 2 * 3_600_000
      expect(await outcome(assume(RoleArn, token))).toBe('400 ExpiredTokenException')
      offsetMs = -600_000
      expect(await outcome(assume(RoleArn, token))).toBe('403 IDPRejectedClaim')
    } finally {
      offsetMs = 0
    }
  })

  it('leaves who came, and who was refused, in the audit log, and nothing of who is unknown', async () => {
    const { RoleArn } = await role(trust({ StringEquals: { [`${name()}:sub`]: 'carla' } }))
    await assume(RoleArn, await provider.idToken('carla'))
    await outcome(assume(RoleArn, await provider.idToken('dora')))
    await outcome(assume(RoleArn, 'e.e.e'))
    const events = async () =>
      (await eventsIn(join(test.house.dataDir, 'audit')))
        .filter(({ action, target }) => action === 'sts.aws.AssumeRoleWithWebIdentity' && target === RoleArn)
        .map(({ iamId, outcome: end, code }) => [iamId, end, code])
    await expect.poll(events).toEqual([
      [`${name()}:${CLIENT_ID}:carla`, 'success', undefined],
      [`${name()}:${CLIENT_ID}:dora`, 'failure', 'AccessDenied'],
    ])
  })

  it('serves clients that have nothing but a token in a file, as pods of Kubernetes do', async () => {
    const Bucket = await test.bucket()
    const { RoleArn } = await role(trust(), allow('s3:GetObject'))
    const directory = await mkdtemp(join(tmpdir(), 'coffer-token-'))
    const file = join(directory, 'token')
    await writeFile(file, await provider.idToken('system:serviceaccount:default:app'))
    for (const own of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(own, undefined)
    vi.stubEnv('AWS_ROLE_ARN', RoleArn)
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', file)
    vi.stubEnv('AWS_ENDPOINT_URL', test.house.s3Url)
    vi.stubEnv('AWS_REGION', 'us-east-1')
    try {
      const s3 = new S3Client({ forcePathStyle: true, maxAttempts: 1 })
      expect([await get(s3, Bucket), await put(s3, Bucket)]).toEqual(['200', '403 AccessDenied'])
    } finally {
      vi.unstubAllEnvs()
      await rm(directory, { recursive: true })
    }
  })

  it('asks a provider over TLS that the authorities of a file know', async () => {
    const tls = testCertificates()
    await using secure = await startIdentityProvider({ tls })
    const directory = await mkdtemp(join(tmpdir(), 'coffer-ca-'))
    const file = join(directory, 'ca.pem')
    await writeFile(file, tls.ca)
    const house = await startHouse({
      settings: { COFFER_IAM_OIDC_CA_FILE: file, COFFER_IAM_OIDC_NETWORKS: '127.0.0.0/8,::1' },
    })
    await rm(directory, { recursive: true })
    await using _ = house
    const { accessKeyId, secretAccessKey } = mainAccount.user
    const own = { ...config(), endpoint: house.s3Url, credentials: { accessKeyId, secretAccessKey } }
    const iam = new IAMClient(own)
    const { OpenIDConnectProviderArn: Federated } = await iam.send(
      new CreateOpenIDConnectProviderCommand({ Url: secure.issuer, ClientIDList: [CLIENT_ID] }),
    )
    const AssumeRolePolicyDocument = trust({}, { Principal: { Federated } })
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'web', AssumeRolePolicyDocument }))
    const WebIdentityToken = await secure.idToken('anna')
    const call = { RoleArn: Role?.Arn, RoleSessionName: 'day', WebIdentityToken }
    const assumed = await new STSClient(own).send(new AssumeRoleWithWebIdentityCommand(call))
    expect(assumed.Provider).toBe(secure.issuer)
  })

  it('is all that may be called without a signature', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const call = (body: string) => test.anonymous('POST', '/', body, form)
    for (const Action of ['ListUsers', 'CreateUser', 'AssumeRole', 'GetCallerIdentity', 'None']) {
      expect(await call(`Action=${Action}&Version=2010-05-08`)).toBe('403 MissingAuthenticationToken')
    }
    expect(await call('Action=AssumeRoleWithWebIdentity&Version=2011-06-15')).toBe('400 ValidationError')
    expect(await call('Action=AssumeRoleWithWebIdentity&Version=2010-05-08')).toBe('403 MissingAuthenticationToken')
  })
})

describe('identity providers', () => {
  const Url = 'https://idp.example/realms/one'
  const OpenIDConnectProviderArn = `arn:aws:iam::${mainAccount.id}:oidc-provider/idp.example/realms/one`
  const thumbprint = 'A053375BFE84E8B748782C7CEE15827A6AF5A405'

  it('are created, told of, changed and deleted', async () => {
    const created = await iam.send(
      new CreateOpenIDConnectProviderCommand({ Url, ClientIDList: ['a'], ThumbprintList: [thumbprint] }),
    )
    expect(created.OpenIDConnectProviderArn).toBe(OpenIDConnectProviderArn)
    for (const taken of [Url, Url.replace('one', 'One')]) {
      const again = new CreateOpenIDConnectProviderCommand({ Url: taken })
      expect(await outcome(iam.send(again))).toBe('409 EntityAlreadyExists')
    }
    const ref = { OpenIDConnectProviderArn }
    for (const ClientID of ['b', 'b', 'c']) {
      await iam.send(new AddClientIDToOpenIDConnectProviderCommand({ ...ref, ClientID }))
    }
    for (const ClientID of ['a', 'a']) {
      await iam.send(new RemoveClientIDFromOpenIDConnectProviderCommand({ ...ref, ClientID }))
    }
    const get = () => iam.send(new GetOpenIDConnectProviderCommand(ref))
    expect(await get()).toMatchObject({
      ...{ Url: 'idp.example/realms/one', ClientIDList: ['b', 'c'], ThumbprintList: [thumbprint] },
      CreateDate: expect.any(Date),
    })
    const ThumbprintList = ['0'.repeat(40), '1'.repeat(40)]
    await iam.send(new UpdateOpenIDConnectProviderThumbprintCommand({ ...ref, ThumbprintList }))
    expect((await get()).ThumbprintList).toEqual(ThumbprintList)
    const listed = async (client: IAMClient) =>
      (await client.send(new ListOpenIDConnectProvidersCommand())).OpenIDConnectProviderList?.map(({ Arn }) => Arn)
    expect(await listed(iam)).toEqual([arn(), OpenIDConnectProviderArn])
    const plain = await iam.send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn() }))
    expect(plain.Url).toBe(provider.issuer)
    const stranger = iamOf(otherAccount.user)
    expect(await listed(stranger)).toEqual([])
    expect(await outcome(stranger.send(new GetOpenIDConnectProviderCommand(ref)))).toBe('404 NoSuchEntity')
    expect(await outcome(stranger.send(new DeleteOpenIDConnectProviderCommand(ref)))).toBe('404 NoSuchEntity')
    await iam.send(new DeleteOpenIDConnectProviderCommand(ref))
    expect(await outcome(get())).toBe('404 NoSuchEntity')
    expect(await outcome(iam.send(new DeleteOpenIDConnectProviderCommand(ref)))).toBe('404 NoSuchEntity')
  })

  it('have a URL of https, written in one way, and certificates of 40 digits', async () => {
    const urls = ['http://idp.example', 'https://IDP.example', 'https://idp.example?x=y', 'https://a@idp.example']
    const more = ['https://idp.example#x', 'ftp://idp.example', 'https://idp.example:443', 'https://idp.example/a/../b']
    for (const wrong of [...urls, ...more, `https://idp.example/${'x'.repeat(255)}`, 'https://idp.example/ö']) {
      expect(await outcome(iam.send(new CreateOpenIDConnectProviderCommand({ Url: wrong })))).toBe(
        '400 ValidationError',
      )
    }
    for (const ThumbprintList of [['x'], ['-'.repeat(40)], [...'012345'].map((one) => one.repeat(40))]) {
      expect(await outcome(iam.send(new CreateOpenIDConnectProviderCommand({ Url, ThumbprintList })))).toBe(
        '400 ValidationError',
      )
    }
    const ClientIDList = Array.from({ length: 101 }, (_, index) => `client-${index}`)
    expect(await outcome(iam.send(new CreateOpenIDConnectProviderCommand({ Url, ClientIDList })))).toBe(
      '409 LimitExceeded',
    )
  })

  it('are named in trust policies by condition keys of an issuer, and by no others', async () => {
    const { RoleName } = await role(trust())
    const update = (key: string) =>
      outcome(
        iam.send(
          new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: trust({ StringEquals: { [key]: 'x' } }) }),
        ),
      )
    for (const key of ['idp.example:sub', 'idp.example/realms/One:AUD', 'localhost:8080/x:azp', '127.0.0.1:1:amr']) {
      expect(await update(key)).toBe('200')
    }
    for (const key of ['idp.example:email', 'kms:sub', 'idp.example:', 'idp.example/sub', 'aws:sub']) {
      expect(await update(key)).toBe('400 MalformedPolicyDocument')
    }
  })
})
