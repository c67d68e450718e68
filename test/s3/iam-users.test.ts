// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policies look like placeholders
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  type CreateBucketCommandInput,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsIn } from '../support/audit-log.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { refusal } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { type QueryCredentials, queryApi } from '../support/query-api.ts'
import { signRaw } from '../support/raw-s3.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('classic')
})
afterAll(() => test[Symbol.asyncDispose]())

const iam = (credentials?: QueryCredentials) => queryApi(test.house.s3Url, 'iam', credentials)
const s3 = (credentials: QueryCredentials) => test.house.client(mainAccount, { credentials })
const statement = (Action: string | string[], Resource: string | string[] = '*', more: object = {}) => ({
  ...{ Effect: 'Allow', Action, Resource },
  ...more,
})
const policy = (...statements: object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements })

let made = 0
/** A user with a key. */
async function user(...statements: object[]) {
  const UserName = `anna-${++made}`
  const call = iam()
  expect((await call('CreateUser', { UserName })).outcome).toBe('200')
  const key = await call('CreateAccessKey', { UserName })
  if (statements.length > 0) await put(UserName, ...statements)
  const credentials = { accessKeyId: key.text('AccessKeyId'), secretAccessKey: key.text('SecretAccessKey') }
  return { UserName, credentials, s3: s3(credentials) }
}
const put = async (UserName: string, ...statements: object[]) => {
  const reply = await iam()('PutUserPolicy', { UserName, PolicyName: 'p', PolicyDocument: policy(...statements) })
  expect(reply.outcome).toBe('200')
}
const get = (client: ReturnType<typeof s3>, Bucket: string, Key = 'cat') =>
  refusal(client.send(new GetObjectCommand({ Bucket, Key })))

describe('a user made by CreateUser', () => {
  it('may nothing, then what its policy says, then nothing', async () => {
    const Bucket = await test.bucket()
    const { UserName, s3, credentials } = await user()
    const all = async () => [
      await get(s3, Bucket),
      await refusal(s3.send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x' }))),
      await refusal(s3.send(new ListObjectsV2Command({ Bucket }))),
      await refusal(s3.send(new ListBucketsCommand({}))),
      await refusal(s3.send(new CreateBucketCommand({ Bucket: `of-${UserName}` }))),
      (await iam(credentials)('ListUsers')).outcome,
    ]
    const no = '403 AccessDenied'
    expect(await all()).toEqual([no, no, no, no, no, no])
    await put(UserName, statement('s3:GetObject', `arn:aws:s3:::${Bucket}/*`))
    expect(await all()).toEqual(['200', no, no, no, no, no])
    await put(UserName, statement('s3:ListAllMyBuckets'), statement('s3:CreateBucket', `arn:aws:s3:::of-${UserName}`))
    expect(await all()).toEqual([no, no, no, '200', '200', no])
    await put(UserName, statement('*'), statement('s3:*', `arn:aws:s3:::${Bucket}/*`, { Effect: 'Deny' }))
    expect((await all()).slice(0, 4)).toEqual([no, no, '200', '200'])
    expect((await iam()('DeleteUserPolicy', { UserName, PolicyName: 'p' })).outcome).toBe('200')
    expect(await all()).toEqual([no, no, no, no, no, no])
  })

  it('is asked about each object of a deletion, and about tags and addresses', async () => {
    const Bucket = await test.bucket()
    const one = await user(statement('s3:DeleteObject', `arn:aws:s3:::${Bucket}/a*`))
    const Delete = { Objects: [{ Key: 'a1' }, { Key: 'b1' }] }
    const { Errors } = await one.s3.send(new DeleteObjectsCommand({ Bucket, Delete }))
    expect(Errors?.map(({ Key, Code }) => `${Key} ${Code}`)).toEqual(['b1 AccessDenied'])
    await test.main.send(new PutObjectCommand({ Bucket, Key: 'open', Body: 'x', Tagging: 'kind=open' }))
    const tagged = { StringEquals: { 's3:ExistingObjectTag/kind': 'open' } }
    const two = await user(statement('s3:GetObject', '*', { Condition: tagged }))
    expect([await get(two.s3, Bucket, 'open'), await get(two.s3, Bucket)]).toEqual(['200', '403 AccessDenied'])
    const far = { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }
    const three = await user(statement('s3:GetObject', '*', { Condition: far }))
    expect(await get(three.s3, Bucket)).toBe('403 AccessDenied')
    const four = await user(statement('s3:GetObject', '*', { Condition: tagged }))
    expect(await refusal(four.s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'open' })))).toBe('403 AccessDenied')
  })

  it('is let in by a bucket policy that names it, but never past a Deny of its own', async () => {
    const Bucket = await test.bucket()
    const { UserName, s3 } = await user()
    const arn = (await iam()('GetUser', { UserName })).text('Arn')
    expect(arn).toBe(`arn:aws:iam::${mainAccount.id}:user/${UserName}`)
    await test.policy(Bucket, { Principal: { AWS: arn } })
    expect(await get(s3, Bucket)).toBe('200')
    await put(UserName, statement('s3:GetObject', '*', { Effect: 'Deny' }))
    expect(await get(s3, Bucket)).toBe('403 AccessDenied')
  })

  it('is kept out by a Deny for all but others of its account', async () => {
    const Bucket = await test.bucket()
    const [anna, bella] = [await user(statement('s3:*')), await user(statement('s3:*'))]
    const [arn, account] = [`user/${anna.UserName}`, 'root'].map((name) => `arn:aws:iam::${mainAccount.id}:${name}`)
    const allBut = async (...AWS: (string | undefined)[]) => {
      await test.policy(Bucket, { Effect: 'Deny', Principal: undefined, NotPrincipal: { AWS } })
      return [await get(anna.s3, Bucket), await get(bella.s3, Bucket), await get(test.main, Bucket)]
    }
    const no = '403 AccessDenied'
    expect(await allBut(arn, account)).toEqual(['200', no, '200'])
    expect(await allBut(account)).toEqual([no, no, '200'])
    expect(await allBut(arn)).toEqual([no, no, no])
  })

  it('makes buckets where its policies let it, and with what they let it', async () => {
    const create = (one: Awaited<ReturnType<typeof user>>, more: Partial<CreateBucketCommandInput> = {}) =>
      refusal(one.s3.send(new CreateBucketCommand({ Bucket: `made-by-${++made}`, ...more })))
    const at = (LocationConstraint: string): Partial<CreateBucketCommandInput> => ({
      // As every server but AWS's has names of its own.
      CreateBucketConfiguration: { LocationConstraint: LocationConstraint as BucketLocationConstraint },
    })
    const places = (Effect: string, operator: string) => [
      statement('s3:CreateBucket', '*', { Condition: { [operator]: { 's3:LocationConstraint': 'us-*' } }, Effect }),
    ]
    const [no, yes] = ['403 AccessDenied', '200']
    const there = await user(...places('Allow', 'StringLike'))
    expect([await create(there, at('us-south')), await create(there, at('eu-west-1')), await create(there)]).toEqual([
      ...[yes, no, no],
    ])
    const elsewhere = await user(statement('s3:*'), ...places('Deny', 'StringLike'))
    expect([await create(elsewhere, at('us-south')), await create(elsewhere)]).toEqual([no, yes])
    const plain = await user(statement('s3:CreateBucket'))
    const asks: readonly Partial<CreateBucketCommandInput>[] = [
      { ObjectLockEnabledForBucket: true },
      { ACL: 'public-read' },
      { GrantRead: `id=${otherAccount.canonicalId}` },
      { ObjectOwnership: 'ObjectWriter' },
    ]
    for (const more of asks) expect([more, await create(plain, more)]).toEqual([more, no])
    const lock = ['s3:CreateBucket', 's3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning']
    expect(await create(await user(statement(lock)), asks[0])).toBe(yes)
    expect(await create(await user(statement(lock.slice(0, 2))), asks[0])).toBe(no)
  })

  it('reaches buckets of other accounts only when both sides let it', async () => {
    const Bucket = await test.bucket()
    const elsewhere = `elsewhere-${++made}`
    await test.other.send(new CreateBucketCommand({ Bucket: elsewhere }))
    await test.other.send(new PutObjectCommand({ Bucket: elsewhere, Key: 'cat', Body: 'x' }))
    const { UserName, s3 } = await user(statement('s3:*'))
    const list = () => refusal(s3.send(new ListObjectsV2Command({ Bucket: elsewhere })))
    expect([await get(s3, Bucket), await list()]).toEqual(['200', '403 AccessDenied'])
    await test.other.send(new PutBucketAclCommand({ Bucket: elsewhere, GrantRead: `id=${mainAccount.id}` }))
    expect(await list()).toBe('200')
    await iam()('DeleteUserPolicy', { UserName, PolicyName: 'p' })
    expect(await list()).toBe('403 AccessDenied')
  })

  it('may what managed policies say that are attached to it', async () => {
    const Bucket = await test.bucket()
    const { UserName, s3 } = await user()
    const PolicyArn = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'
    expect((await iam()('AttachUserPolicy', { UserName, PolicyArn })).outcome).toBe('200')
    expect(await get(s3, Bucket)).toBe('200')
    expect(await refusal(s3.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' })))).toBe('403 AccessDenied')
    expect((await iam()('DetachUserPolicy', { UserName, PolicyArn })).outcome).toBe('200')
    expect(await get(s3, Bucket)).toBe('403 AccessDenied')
    const unknown = { UserName, PolicyArn: 'arn:aws:iam::aws:policy/Unheard' }
    expect((await iam()('AttachUserPolicy', unknown)).outcome).toBe('404 NoSuchEntity')
  })

  it('manages others only as far as its policies say', async () => {
    const own = `arn:aws:iam::${mainAccount.id}:user/team-*`
    const { credentials } = await user(statement(['iam:CreateUser', 'iam:GetUser'], own))
    const call = iam(credentials)
    const name = `team-${++made}`
    expect((await call('CreateUser', { UserName: name })).outcome).toBe('200')
    expect((await call('GetUser', { UserName: name })).text('UserName')).toBe(name)
    expect((await call('CreateUser', { UserName: `else-${made}` })).outcome).toBe('403 AccessDenied')
    expect((await call('CreateAccessKey', { UserName: name })).outcome).toBe('403 AccessDenied')
  })

  it('ends at once when its key is disabled or deleted, or it is', async () => {
    const Bucket = await test.bucket()
    const { UserName, s3, credentials } = await user(statement('s3:*'))
    const AccessKeyId = credentials.accessKeyId
    const set = (Status: string) => iam()('UpdateAccessKey', { UserName, AccessKeyId, Status })
    expect(await get(s3, Bucket)).toBe('200')
    await set('Inactive')
    expect(await get(s3, Bucket)).toBe('403 InvalidAccessKeyId')
    await set('Active')
    expect(await get(s3, Bucket)).toBe('200')
    expect((await iam()('DeleteUser', { UserName })).outcome).toBe('409 DeleteConflict')
    expect((await iam()('DeleteAccessKey', { UserName, AccessKeyId })).outcome).toBe('200')
    expect(await get(s3, Bucket)).toBe('403 InvalidAccessKeyId')
    expect((await iam()('DeleteUser', { UserName })).outcome).toBe('409 DeleteConflict')
    await iam()('DeleteUserPolicy', { UserName, PolicyName: 'p' })
    expect((await iam()('DeleteUser', { UserName })).outcome).toBe('200')
    expect((await iam()('GetUser', { UserName })).outcome).toBe('404 NoSuchEntity')
  })
})

describe('groups', () => {
  it('give their policies to their users, and deny with them', async () => {
    const Bucket = await test.bucket()
    const { UserName, s3 } = await user()
    const GroupName = `readers-${++made}`
    const call = iam()
    await call('CreateGroup', { GroupName })
    const document = policy(statement('s3:GetObject'))
    await call('PutGroupPolicy', { GroupName, PolicyName: 'read', PolicyDocument: document })
    expect(await get(s3, Bucket)).toBe('403 AccessDenied')
    expect((await call('AddUserToGroup', { GroupName, UserName })).outcome).toBe('200')
    expect(await get(s3, Bucket)).toBe('200')
    expect((await call('GetGroup', { GroupName })).text('UserName')).toBe(UserName)
    expect((await call('ListGroupsForUser', { UserName })).text('GroupName')).toBe(GroupName)
    await put(UserName, statement('s3:GetObject'))
    const denial = policy(statement('s3:GetObject', '*', { Effect: 'Deny' }))
    await call('PutGroupPolicy', { GroupName, PolicyName: 'read', PolicyDocument: denial })
    expect(await get(s3, Bucket)).toBe('403 AccessDenied')
    await call('DeleteGroupPolicy', { GroupName, PolicyName: 'read' })
    expect((await call('DeleteGroup', { GroupName })).outcome).toBe('409 DeleteConflict')
    expect((await call('RemoveUserFromGroup', { GroupName, UserName })).outcome).toBe('200')
    expect(await get(s3, Bucket)).toBe('200')
    expect((await call('DeleteGroup', { GroupName })).outcome).toBe('200')
  })
})

describe('the query API', () => {
  it('refuses what is not signed, wrongly signed, of another body or not understood', async () => {
    const refused = async (call: ReturnType<typeof iam>, ...args: Parameters<ReturnType<typeof iam>>) =>
      (await call(...args)).outcome
    const { accessKeyId } = mainAccount.user
    const wrong = iam({ accessKeyId, secretAccessKey: 'x'.repeat(40) })
    expect(await refused(wrong, 'ListUsers')).toBe('403 SignatureDoesNotMatch')
    expect(await refused(iam({ accessKeyId: 'NOBODY', secretAccessKey: 'x' }), 'ListUsers')).toBe(
      '403 InvalidClientTokenId',
    )
    expect(await refused(iam(), 'DeleteAccount')).toBe('400 InvalidAction')
    expect(await refused(iam(), 'CreateUser', { UserName: 'b', MfaCode: 'x' })).toBe('400 InvalidParameterValue')
    expect(await refused(iam(), 'CreateUser', { UserName: 'a b' })).toBe('400 ValidationError')
    expect(await refused(iam(), 'CreateUser', {})).toBe('400 ValidationError')
    const { UserName } = await user()
    for (const PolicyDocument of ['{', policy({ ...statement('s3:*'), Principal: '*' }), policy({ Effect: 'Allow' })]) {
      const given = { UserName, PolicyName: 'p', PolicyDocument }
      expect(await refused(iam(), 'PutUserPolicy', given)).toBe('400 MalformedPolicyDocument')
    }
    const long = policy(...Array.from({ length: 100 }, () => statement('s3:*')))
    expect(await refused(iam(), 'PutUserPolicy', { UserName, PolicyName: 'p', PolicyDocument: long })).toBe(
      '409 LimitExceeded',
    )
    const unsigned = await fetch(test.house.s3Url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'Action=ListUsers&Version=2010-05-08',
    })
    expect(unsigned.status).toBeGreaterThanOrEqual(400)
  })

  it('knows users of one account by names without case, and none of another account', async () => {
    const { UserName } = await user()
    expect((await iam()('GetUser', { UserName: UserName.toUpperCase() })).text('UserName')).toBe(UserName)
    expect((await iam()('CreateUser', { UserName: UserName.toUpperCase() })).outcome).toBe('409 EntityAlreadyExists')
    const others = iam(otherAccount.user)
    expect((await others('GetUser', { UserName })).outcome).toBe('404 NoSuchEntity')
    expect((await others('CreateAccessKey', { UserName })).outcome).toBe('404 NoSuchEntity')
    const root = await iam()('GetUser')
    expect(root.text('Arn')).toBe(`arn:aws:iam::${mainAccount.id}:root`)
  })

  it('tells who asks who they are, by their own name and right', async () => {
    const self = `arn:aws:iam::${mainAccount.id}:user/\${aws:username}`
    const one = await user(statement('iam:GetUser', self))
    const told = await iam(one.credentials)('GetUser')
    expect([told.outcome, told.text('UserName')]).toEqual(['200', one.UserName])
    const two = await user(statement('iam:GetUser'), statement('iam:GetUser', self, { Effect: 'Deny' }))
    expect((await iam(two.credentials)('GetUser')).outcome).toBe('403 AccessDenied')
    // A role that has the name of a user is still none.
    const trust = { Effect: 'Allow', Principal: { AWS: mainAccount.id }, Action: 'sts:AssumeRole' }
    const RoleName = one.UserName
    const made = await iam()('CreateRole', { RoleName, AssumeRolePolicyDocument: policy(trust) })
    await iam()('PutRolePolicy', { RoleName, PolicyName: 'p', PolicyDocument: policy(statement('iam:*')) })
    const sts = queryApi(test.house.s3Url, 'sts')
    const taken = await sts('AssumeRole', { RoleArn: made.text('Arn'), RoleSessionName: 'night' })
    const session = {
      ...{ accessKeyId: taken.text('AccessKeyId'), secretAccessKey: taken.text('SecretAccessKey') },
      sessionToken: taken.text('SessionToken'),
    }
    expect((await iam(session)('GetUser')).outcome).toBe('400 ValidationError')
    expect((await iam(session)('GetUser', { UserName: one.UserName })).outcome).toBe('200')
  })

  it('is of no region, for clients that name none', async () => {
    const call = queryApi(test.house.s3Url, 'iam', mainAccount.user, '')
    expect((await call('GetUser')).outcome).toBe('200')
    // Nor does S3 ask for one.
    const { method, target, headers } = signRaw(test.house.s3Url, { method: 'GET', path: '/', region: '' })
    expect((await fetch(`${test.house.s3Url}${target}`, { method, headers })).status).toBe(200)
  })

  it('lists in pages', async () => {
    const Path = '/paged/'
    for (const UserName of ['pc', 'Pa', 'pb']) await iam()('CreateUser', { UserName, Path })
    const first = await iam()('ListUsers', { PathPrefix: Path, MaxItems: '2' })
    expect([first.texts('UserName'), first.text('IsTruncated')]).toEqual([['Pa', 'pb'], 'true'])
    const rest = await iam()('ListUsers', { PathPrefix: Path, MaxItems: '2', Marker: first.text('Marker') })
    expect([rest.texts('UserName'), rest.text('IsTruncated')]).toEqual([['pc'], 'false'])
  })

  it('leaves a line in the audit log for every change and every refusal', async () => {
    const { UserName, credentials } = await user()
    await iam(credentials)('GetUser', { UserName })
    const lines = async () =>
      (await eventsIn(`${test.house.dataDir}/audit`))
        .filter(({ target }) => String(target).endsWith(`/${UserName}`))
        .map(({ action, outcome, code, reason }) => [action, outcome, code ?? reason].join(' '))
    await expect
      .poll(lines)
      .toEqual([
        'iam.aws.CreateUser success Administrator of the account',
        'iam.aws.CreateAccessKey success Administrator of the account',
        'iam.aws.GetUser failure AccessDenied',
      ])
  })
})

it('keeps users, keys and policies when the server starts again', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
  try {
    const before = await startSharedHouse('classic', { directory })
    const Bucket = await before.bucket()
    const call = queryApi(before.house.s3Url, 'iam')
    await call('CreateUser', { UserName: 'kept' })
    const PolicyDocument = policy(statement('s3:GetObject'))
    await call('PutUserPolicy', { UserName: 'kept', PolicyName: 'p', PolicyDocument })
    const keys = [
      await call('CreateAccessKey', { UserName: 'kept' }),
      await call('CreateAccessKey', { UserName: 'kept' }),
    ]
    const [active, off] = keys.map((key) => ({
      accessKeyId: key.text('AccessKeyId'),
      secretAccessKey: key.text('SecretAccessKey'),
    }))
    if (!active || !off) throw new Error('no keys')
    await call('UpdateAccessKey', { UserName: 'kept', AccessKeyId: off.accessKeyId, Status: 'Inactive' })
    await before.house.stop()
    await using after = await startSharedHouse('classic', { directory })
    const of = (credentials: QueryCredentials) => after.house.client(mainAccount, { credentials })
    expect([await get(of(active), Bucket), await get(of(off), Bucket)]).toEqual(['200', '403 InvalidAccessKeyId'])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
