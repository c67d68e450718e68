// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policies look like placeholders
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsIn } from '../support/audit-log.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { refusal } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { type QueryCredentials, type QueryReply, queryApi } from '../support/query-api.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let offsetMs = 0
let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('classic', { clock: { now: () => Date.now() + offsetMs } })
})
afterAll(() => test[Symbol.asyncDispose]())

const iam = (credentials?: QueryCredentials) => queryApi(test.house.s3Url, 'iam', credentials)
const sts = (credentials?: QueryCredentials) => queryApi(test.house.s3Url, 'sts', credentials)
const s3 = (credentials: QueryCredentials, config = {}) => test.house.client(mainAccount, { credentials, ...config })
const policy = (...statements: object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allow = (Action: string, Resource = '*', more = {}) => ({ Effect: 'Allow', Action, Resource, ...more })
const deny = (Action: string, Condition: object) => ({ Effect: 'Deny', Action, Resource: '*', Condition })
const trust = (AWS: string, more: object = {}) =>
  policy({ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole', ...more })
const rootOf = (account: string) => `arn:aws:iam::${account}:root`
const credentialsOf = (reply: QueryReply) => ({
  accessKeyId: reply.text('AccessKeyId'),
  secretAccessKey: reply.text('SecretAccessKey'),
  sessionToken: reply.text('SessionToken'),
})
const get = (client: S3Client, Bucket: string) => refusal(client.send(new GetObjectCommand({ Bucket, Key: 'cat' })))
const put = (client: S3Client, Bucket: string) =>
  refusal(client.send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x' })))

let made = 0
async function user(...statements: object[]) {
  const UserName = `bob-${++made}`
  await iam()('CreateUser', { UserName })
  const { accessKeyId, secretAccessKey } = credentialsOf(await iam()('CreateAccessKey', { UserName }))
  if (statements.length > 0) {
    await iam()('PutUserPolicy', { UserName, PolicyName: 'p', PolicyDocument: policy(...statements) })
  }
  const arn = `arn:aws:iam::${mainAccount.id}:user/${UserName}`
  return { UserName, arn, credentials: { accessKeyId, secretAccessKey } }
}

async function role(trusted: string, ...statements: object[]) {
  const RoleName = `role-${++made}`
  const created = await iam()('CreateRole', { RoleName, AssumeRolePolicyDocument: trusted })
  expect(created.outcome).toBe('200')
  if (statements.length > 0) {
    await iam()('PutRolePolicy', { RoleName, PolicyName: 'p', PolicyDocument: policy(...statements) })
  }
  return { RoleName, RoleArn: created.text('Arn') }
}

const assume = (RoleArn: string, credentials?: QueryCredentials, more = {}) =>
  sts(credentials)('AssumeRole', { RoleArn, RoleSessionName: 'night', ...more })

describe('a role that was taken on', () => {
  it('may what its own policies say, whoever took it on', async () => {
    const Bucket = await test.bucket()
    const { RoleArn, RoleName } = await role(trust(rootOf(mainAccount.id)), allow('s3:GetObject'))
    const reply = await assume(RoleArn)
    expect(reply.text('Arn')).toBe(`arn:aws:sts::${mainAccount.id}:assumed-role/${RoleName}/night`)
    const session = credentialsOf(reply)
    expect([await get(s3(session), Bucket), await put(s3(session), Bucket)]).toEqual(['200', '403 AccessDenied'])
    expect((await sts(session)('GetCallerIdentity')).text('Arn')).toBe(reply.text('Arn'))
    await iam()('PutRolePolicy', { RoleName, PolicyName: 'p', PolicyDocument: policy(allow('s3:PutObject')) })
    expect([await get(s3(session), Bucket), await put(s3(session), Bucket)]).toEqual(['403 AccessDenied', '200'])
  })

  it('is left out of a Deny for all but some only with its account and its session', async () => {
    const Bucket = await test.bucket()
    const { RoleArn, RoleName } = await role(trust(rootOf(mainAccount.id)), allow('s3:*'))
    const session = s3(credentialsOf(await assume(RoleArn)))
    const names = [RoleArn, `arn:aws:sts::${mainAccount.id}:assumed-role/${RoleName}/night`, rootOf(mainAccount.id)]
    const allBut = async (AWS: string[]) => {
      await test.policy(Bucket, { Effect: 'Deny', Principal: undefined, NotPrincipal: { AWS } })
      return get(session, Bucket)
    }
    expect(await allBut(names)).toBe('200')
    for (const one of names) expect(await allBut([one])).toBe('403 AccessDenied')
    for (const one of names) expect(await allBut(names.filter((other) => other !== one))).toBe('403 AccessDenied')
  })

  it('is for those only whom its trust policy names, or whose account lets them when that is named', async () => {
    const [named, named2, other] = [await user(), await user(allow('sts:AssumeRole')), await user()]
    const one = await role(trust(named.arn))
    expect((await assume(one.RoleArn, named.credentials)).outcome).toBe('200')
    expect((await assume(one.RoleArn, named2.credentials)).outcome).toBe('403 AccessDenied')
    expect((await assume(one.RoleArn)).outcome).toBe('403 AccessDenied')
    const all = await role(trust(rootOf(mainAccount.id)))
    expect((await assume(all.RoleArn, named2.credentials)).outcome).toBe('200')
    expect((await assume(all.RoleArn, other.credentials)).outcome).toBe('403 AccessDenied')
    expect((await assume(all.RoleArn, otherAccount.user)).outcome).toBe('403 AccessDenied')
    expect((await assume(`${all.RoleArn}x`)).outcome).toBe('403 AccessDenied')
    const shut = await user({ Effect: 'Deny', Action: 'sts:AssumeRole', Resource: '*' })
    const open = await role(trust('*'))
    expect((await assume(open.RoleArn, shut.credentials)).outcome).toBe('403 AccessDenied')
  })

  it('can ask for an external id, and never for what is not understood', async () => {
    const [account, sesame] = [rootOf(mainAccount.id), { StringEquals: { 'sts:ExternalId': 'sesame' } }]
    const { RoleArn } = await role(trust(account, { Condition: sesame }))
    expect((await assume(RoleArn)).outcome).toBe('403 AccessDenied')
    expect((await assume(RoleArn, undefined, { ExternalId: 'sesame' })).outcome).toBe('200')
    const mfa = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } }
    const strict = await role(trust(account, { Condition: mfa }))
    expect((await assume(strict.RoleArn)).outcome).toBe('403 AccessDenied')
    const broken = { RoleName: 'broken', AssumeRolePolicyDocument: policy(allow('sts:AssumeRole')) }
    expect((await iam()('CreateRole', broken)).outcome).toBe('400 MalformedPolicyDocument')
  })

  it('serves other accounts whom it trusts', async () => {
    const Bucket = await test.bucket()
    const { RoleArn } = await role(trust(rootOf(otherAccount.id)), allow('s3:GetObject'))
    const session = credentialsOf(await assume(RoleArn, otherAccount.user))
    expect(await get(s3(session), Bucket)).toBe('200')
    expect((await assume(RoleArn)).outcome).toBe('403 AccessDenied')
  })

  it('may no more than the policies of the session say, too', async () => {
    const Bucket = await test.bucket()
    const { RoleArn, RoleName } = await role(trust(rootOf(mainAccount.id)), allow('s3:*'))
    const Policy = policy(allow('s3:GetObject', `arn:aws:s3:::${Bucket}/*`))
    const limited = s3(credentialsOf(await assume(RoleArn, undefined, { Policy })))
    expect([await get(limited, Bucket), await put(limited, Bucket)]).toEqual(['200', '403 AccessDenied'])
    const readOnly = { 'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' }
    const managed = s3(credentialsOf(await assume(RoleArn, undefined, readOnly)))
    expect([await get(managed, Bucket), await put(managed, Bucket)]).toEqual(['200', '403 AccessDenied'])
    // What the bucket gives to the role is no more for the session than its policy says.
    await test.policy(Bucket, { Principal: { AWS: RoleArn }, Action: 's3:PutObject' })
    expect(await put(limited, Bucket)).toBe('403 AccessDenied')
    await iam()('DeleteRolePolicy', { RoleName, PolicyName: 'p' })
    const unlimited = s3(credentialsOf(await assume(RoleArn)))
    expect([await get(unlimited, Bucket), await put(unlimited, Bucket)]).toEqual(['403 AccessDenied', '200'])
    for (const bad of [{ Policy: '{' }, { DurationSeconds: '899' }, { DurationSeconds: '3601' }, { TokenCode: '1' }]) {
      expect((await assume(RoleArn, undefined, bad)).status).toBe(400)
    }
    const gap = { 'PolicyArns.member.2.arn': 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' }
    expect((await assume(RoleArn, undefined, gap)).outcome).toBe('400 ValidationError')
  })

  it('ends at once with the role, with the key that took it on, and with a role before it', async () => {
    const Bucket = await test.bucket()
    const who = await user(allow('sts:AssumeRole'))
    const first = await role(trust(who.arn), allow('sts:AssumeRole'), allow('s3:GetObject'))
    const second = await role(trust(first.RoleArn), allow('s3:GetObject'))
    const one = credentialsOf(await assume(first.RoleArn, who.credentials))
    const two = credentialsOf(await assume(second.RoleArn, one))
    const state = async () => [await get(s3(one), Bucket), await get(s3(two), Bucket)]
    expect(await state()).toEqual(['200', '200'])
    const key = { UserName: who.UserName, AccessKeyId: who.credentials.accessKeyId }
    await iam()('UpdateAccessKey', { ...key, Status: 'Inactive' })
    expect(await state()).toEqual(['403 InvalidAccessKeyId', '403 InvalidAccessKeyId'])
    await iam()('UpdateAccessKey', { ...key, Status: 'Active' })
    expect(await state()).toEqual(['200', '200'])
    await iam()('DeleteRolePolicy', { RoleName: first.RoleName, PolicyName: 'p' })
    expect((await iam()('DeleteRole', { RoleName: first.RoleName })).outcome).toBe('200')
    expect(await state()).toEqual(['403 InvalidAccessKeyId', '403 InvalidAccessKeyId'])
    // A later role of the same name is another one.
    const again = { RoleName: first.RoleName, AssumeRolePolicyDocument: trust(who.arn) }
    expect((await iam()('CreateRole', again)).outcome).toBe('200')
    expect(await state()).toEqual(['403 InvalidAccessKeyId', '403 InvalidAccessKeyId'])
  })
})

describe('temporary credentials', () => {
  it('of GetSessionToken may on S3 what their user may, and manage nothing', async () => {
    const Bucket = await test.bucket()
    const session = credentialsOf(await sts()('GetSessionToken'))
    expect(await get(s3(session), Bucket)).toBe('200')
    expect(await refusal(s3(session).send(new CreateBucketCommand({ Bucket: 'of-session' })))).toBe('200')
    expect((await iam(session)('ListUsers')).outcome).toBe('403 AccessDenied')
    expect((await iam(session)('CreateAccessKey')).outcome).toBe('403 AccessDenied')
    expect((await sts(session)('GetSessionToken')).outcome).toBe('403 AccessDenied')
    const bob = await user(allow('s3:GetObject'))
    const bobs = s3(credentialsOf(await sts(bob.credentials)('GetSessionToken')))
    expect([await get(bobs, Bucket), await put(bobs, Bucket)]).toEqual(['200', '403 AccessDenied'])
  })

  it('are nothing without their token, with another one, or with one that was changed', async () => {
    const Bucket = await test.bucket()
    const one = credentialsOf(await sts()('GetSessionToken'))
    const two = credentialsOf(await sts()('GetSessionToken'))
    const { accessKeyId, secretAccessKey, sessionToken } = one
    const middle = Math.floor(sessionToken.length / 2)
    const swapped = sessionToken[middle] === 'A' ? 'B' : 'A'
    const changed = sessionToken.slice(0, middle) + swapped + sessionToken.slice(middle + 1)
    const no = '403 InvalidAccessKeyId'
    expect(await get(s3({ accessKeyId, secretAccessKey }), Bucket)).toBe(no)
    expect(await get(s3({ ...one, sessionToken: two.sessionToken }), Bucket)).toBe(no)
    expect(await get(s3({ ...one, sessionToken: changed }), Bucket)).toBe(no)
    expect(await get(s3({ ...one, secretAccessKey: two.secretAccessKey }), Bucket)).toBe('403 SignatureDoesNotMatch')
    expect(await get(s3({ ...mainAccount.user, sessionToken }), Bucket)).toBe('400 InvalidToken')
  })

  it('work in presigned URLs and in forms of browsers', async () => {
    const Bucket = await test.bucket()
    const client = s3(credentialsOf(await sts()('GetSessionToken')))
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'cat' }), { expiresIn: 60 })
    expect((await fetch(url)).status).toBe(200)
    expect((await fetch(url.replace(/X-Amz-Security-Token=[^&]*&/, ''))).status).toBe(403)
    const { url: action, fields } = await createPresignedPost(client, { Bucket, Key: 'form', Expires: 60 })
    const send = (some: Record<string, string>) => {
      const form = new FormData()
      for (const [name, value] of Object.entries(some)) form.set(name, value)
      form.set('file', 'meow')
      return fetch(action, { method: 'POST', body: form })
    }
    expect((await send(fields)).status).toBe(204)
    const { 'X-Amz-Security-Token': _, ...without } = fields
    expect((await send(without)).status).toBe(403)
  })

  it('expire', async () => {
    const Bucket = await test.bucket()
    const session = credentialsOf(await sts()('GetSessionToken', { DurationSeconds: '900' }))
    expect(await get(s3(session), Bucket)).toBe('200')
    const systemClockOffset = 901_000
    try {
      offsetMs = systemClockOffset
      expect(await get(s3(session, { systemClockOffset }), Bucket)).toBe('400 ExpiredToken')
      expect(
        await refusal(s3(mainAccount.user, { systemClockOffset }).send(new ListObjectsV2Command({ Bucket }))),
      ).toBe('200')
    } finally {
      offsetMs = 0
    }
  })

  it('leave who took which role on in the audit log', async () => {
    const { RoleArn } = await role(trust(rootOf(mainAccount.id)))
    await assume(RoleArn)
    await assume(RoleArn, otherAccount.user)
    const lines = async () =>
      (await eventsIn(`${test.house.dataDir}/audit`))
        .filter(({ target, action }) => target === RoleArn && action === 'sts.aws.AssumeRole')
        .map(({ iamId, outcome, reason }) => [iamId, outcome, reason].join(' '))
    await expect
      .poll(lines)
      .toEqual([`${mainAccount.user.iamId} success trust policy #0`, `${otherAccount.user.iamId} failure trust policy`])
  })
})

const ADMINISTRATOR = 'arn:aws:iam::aws:policy/AdministratorAccess'
const userArn = (rest: string) => `arn:aws:iam::${mainAccount.id}:user${rest}`

describe('who may change identities', () => {
  it('gives nobody the ARN of a person or a service ID', async () => {
    const helper = await user(allow('iam:*'))
    const call = iam(helper.credentials)
    const { iamId } = mainAccount.user
    for (const UserName of [
      iamId,
      iamId.toUpperCase(),
      'IBMid-later',
      'ibmid-later',
      'iam-ServiceId-1',
      'IAM-Profile-1',
    ]) {
      expect((await call('CreateUser', { UserName })).status).toBeGreaterThanOrEqual(400)
      const renamed = await call('UpdateUser', { UserName: helper.UserName, NewUserName: UserName })
      expect(renamed.status).toBeGreaterThanOrEqual(400)
    }
    expect((await call('CreateUser', { UserName: 'IBMid-later' })).outcome).toBe('400 ValidationError')
  })

  it('asks whether they may on the ARN that there is after the change, too', async () => {
    const UserName = `dev-${++made}`
    await iam()('CreateUser', { UserName, Path: '/dev/' })
    await iam()('CreateGroup', { GroupName: UserName, Path: '/dev/' })
    const who = await user(
      allow('iam:UpdateUser', userArn('/dev/*')),
      allow('iam:UpdateGroup', `arn:aws:iam::${mainAccount.id}:group/dev/*`),
    )
    const call = iam(who.credentials)
    const no = '403 AccessDenied'
    expect((await call('UpdateUser', { UserName, NewUserName: 'alice', NewPath: '/admins/' })).outcome).toBe(no)
    expect((await call('UpdateUser', { UserName, NewPath: '/' })).outcome).toBe(no)
    expect((await call('UpdateGroup', { GroupName: UserName, NewPath: '/admins/' })).outcome).toBe(no)
    const renamed = `${UserName}-2`
    expect((await call('UpdateUser', { UserName, NewUserName: renamed })).outcome).toBe('200')
    expect((await call('UpdateGroup', { GroupName: UserName, NewGroupName: renamed })).outcome).toBe('200')
    expect((await iam()('GetUser', { UserName: renamed })).text('Arn')).toBe(userArn(`/dev/${renamed}`))
    const own = await user(allow('iam:UpdateUser', userArn('/${aws:username}')))
    const victim = { UserName: own.UserName, NewUserName: `victim-${++made}` }
    expect((await iam(own.credentials)('UpdateUser', victim)).outcome).toBe(no)
  })

  it('can be told which policies they may attach and detach', async () => {
    const condition = (operator: string, arn: string) => ({ Condition: { [operator]: { 'iam:PolicyARN': arn } } })
    const attach = 'iam:AttachUserPolicy'
    const readOnly = 'arn:aws:iam::aws:policy/IAMReadOnlyAccess'
    const is = { ArnEquals: { 'iam:PolicyARN': ADMINISTRATOR } }
    for (const statements of [
      [allow('iam:*'), deny(attach, is)],
      [allow(attach, '*', condition('ArnNotEquals', ADMINISTRATOR))],
      [allow(attach, '*', condition('ForAllValues:ArnEquals', readOnly))],
      [allow(attach, '*', condition('ArnEquals', readOnly))],
    ]) {
      const { UserName, credentials } = await user(...statements)
      const call = iam(credentials)
      expect((await call('AttachUserPolicy', { UserName, PolicyArn: ADMINISTRATOR })).outcome).toBe('403 AccessDenied')
      expect((await call('AttachUserPolicy', { UserName, PolicyArn: readOnly })).outcome).toBe('200')
    }
    const detaching = await user(allow('iam:DetachUserPolicy'), deny('iam:DetachUserPolicy', is))
    const attached = { UserName: detaching.UserName, PolicyArn: ADMINISTRATOR }
    await iam()('AttachUserPolicy', attached)
    expect((await iam(detaching.credentials)('DetachUserPolicy', attached)).outcome).toBe('403 AccessDenied')
  })

  it('takes no trust policy that speaks of everybody but somebody', async () => {
    const NotPrincipal = { AWS: rootOf(mainAccount.id) }
    const AssumeRolePolicyDocument = policy({ Effect: 'Deny', NotPrincipal, Action: 'sts:AssumeRole' })
    const malformed = '400 MalformedPolicyDocument'
    expect((await iam()('CreateRole', { RoleName: 'all-but', AssumeRolePolicyDocument })).outcome).toBe(malformed)
    const { RoleName } = await role(trust(rootOf(mainAccount.id)))
    const put = { RoleName, PolicyDocument: AssumeRolePolicyDocument }
    expect((await iam()('UpdateAssumeRolePolicy', put)).outcome).toBe(malformed)
  })

  it('puts no policy whose conditions ask for what nobody has heard of', async () => {
    const { UserName } = await user()
    const { RoleArn, RoleName } = await role(trust(rootOf(mainAccount.id)), allow('s3:*'))
    const malformed = '400 MalformedPolicyDocument'
    for (const key of ['iam:PolicyArns', 'aws:UnheardOf', 'kms:ViaService']) {
      const Condition = { StringEquals: { [key]: 'x' } }
      const PolicyDocument = policy(deny('*', Condition))
      expect((await iam()('PutUserPolicy', { UserName, PolicyName: 'x', PolicyDocument })).outcome).toBe(malformed)
      expect((await iam()('PutRolePolicy', { RoleName, PolicyName: 'x', PolicyDocument })).outcome).toBe(malformed)
      const trusted = { RoleName, PolicyDocument: trust('*', { Condition }) }
      expect((await iam()('UpdateAssumeRolePolicy', trusted)).outcome).toBe(malformed)
      expect((await assume(RoleArn, undefined, { Policy: PolicyDocument })).outcome).toBe(malformed)
    }
    const variable = policy(allow('s3:*', 'arn:aws:s3:::b/${aws:usernam}/*'))
    expect((await iam()('PutUserPolicy', { UserName, PolicyName: 'x', PolicyDocument: variable })).outcome).toBe(
      malformed,
    )
  })
})

describe('conditions', () => {
  it('can shut out sessions that are older than a time, in policies of identities and of buckets', async () => {
    const [Bucket, other] = [await test.bucket(), await test.bucket()]
    const { RoleArn, RoleName } = await role(trust(rootOf(mainAccount.id)), allow('s3:*'))
    const session = s3(credentialsOf(await assume(RoleArn)))
    const mine = s3(credentialsOf(await sts()('GetSessionToken')))
    const older = (offset: number) => ({
      DateLessThan: { 'aws:TokenIssueTime': new Date(Date.now() + offset).toISOString() },
    })
    const revoke = (offset: number) =>
      iam()('PutRolePolicy', { RoleName, PolicyName: 'revoke', PolicyDocument: policy(deny('*', older(offset))) })
    expect((await revoke(-600_000)).outcome).toBe('200')
    expect(await get(session, Bucket)).toBe('200')
    expect((await revoke(600_000)).outcome).toBe('200')
    expect(await get(session, Bucket)).toBe('403 AccessDenied')
    await iam()('DeleteRolePolicy', { RoleName, PolicyName: 'revoke' })
    await test.policy(other, { Effect: 'Deny', Condition: older(600_000) })
    expect([await get(session, other), await get(mine, other)]).toEqual(['403 AccessDenied', '403 AccessDenied'])
    // Keys that do not expire have no such time.
    expect(await get(s3(mainAccount.user), other)).toBe('200')
  })

  it('know temporary credentials as got without a second factor', async () => {
    const Bucket = await test.bucket()
    await test.policy(Bucket, { Effect: 'Deny', Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'false' } } })
    expect(await get(s3(credentialsOf(await sts()('GetSessionToken'))), Bucket)).toBe('403 AccessDenied')
    expect(await get(s3(mainAccount.user), Bucket)).toBe('200')
  })

  it('of the policies of who takes a role on know the name of the session and the external id', async () => {
    const { RoleArn } = await role(trust(rootOf(mainAccount.id)), allow('s3:*'))
    const named = { StringEquals: { 'sts:RoleSessionName': 'night' } }
    const unlike = { Condition: { StringNotLike: { 'sts:RoleSessionName': 'ni*' } } }
    const [denied, unliked, liked, external] = [
      await user(allow('sts:AssumeRole'), deny('sts:AssumeRole', named)),
      await user(allow('sts:AssumeRole', '*', unlike)),
      await user(allow('sts:AssumeRole', '*', { Condition: named })),
      await user(allow('sts:AssumeRole', '*', { Condition: { StringEquals: { 'sts:ExternalId': 'sesame' } } })),
    ]
    expect((await assume(RoleArn, denied.credentials)).outcome).toBe('403 AccessDenied')
    expect((await assume(RoleArn, unliked.credentials)).outcome).toBe('403 AccessDenied')
    expect((await assume(RoleArn, liked.credentials)).outcome).toBe('200')
    expect((await assume(RoleArn, external.credentials)).outcome).toBe('403 AccessDenied')
    expect((await assume(RoleArn, external.credentials, { ExternalId: 'sesame' })).outcome).toBe('200')
  })
})

it('refuses parameters that are not spelt as AWS spells them', async () => {
  const { RoleArn, RoleName } = await role(trust(rootOf(mainAccount.id)), allow('s3:*'))
  const arn = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'
  for (const name of ['PolicyArns', 'PolicyArns.member.1', 'PolicyArns.1.arn', 'PolicyArns.member.01.arn', 'policy']) {
    expect((await assume(RoleArn, undefined, { [name]: arn })).outcome).toBe('400 InvalidParameterValue')
  }
  expect((await assume(RoleArn, undefined, { 'PolicyArns.member.N.arn': arn })).outcome).toBe('400 ValidationError')
  const limited = { 'Policy.member.1': policy(allow('s3:GetObject')) }
  expect((await assume(RoleArn, undefined, limited)).outcome).toBe('400 InvalidParameterValue')
  expect((await assume(RoleArn, undefined, { Policy: '' })).outcome).toBe('400 ValidationError')
  const numbered = { 'RoleName.1': 'x', RoleName }
  expect((await iam()('GetRole', numbered)).outcome).toBe('400 InvalidParameterValue')
})
