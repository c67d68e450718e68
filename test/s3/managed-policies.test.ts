import { rm } from 'node:fs/promises'
import {
  AddUserToGroupCommand,
  AttachGroupPolicyCommand,
  AttachRolePolicyCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreateOpenIDConnectProviderCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DetachGroupPolicyCommand,
  DetachRolePolicyCommand,
  DetachUserPolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  IAMClient,
  ListAttachedUserPoliciesCommand,
  ListEntitiesForPolicyCommand,
  ListOpenIDConnectProvidersCommand,
  ListPoliciesCommand,
  ListPolicyVersionsCommand,
  SetDefaultPolicyVersionCommand,
} from '@aws-sdk/client-iam'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse } from '../support/house.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome } from '../support/outcome.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
let iam: IAMClient
beforeAll(async () => {
  test = await startSharedHouse('classic')
  iam = iamOf(mainAccount.user)
})
afterAll(() => test[Symbol.asyncDispose]())

interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}
const config = ({ accessKeyId, secretAccessKey, sessionToken }: Keys) => ({
  ...{ endpoint: test.house.s3Url, region: 'us-east-1', maxAttempts: 1 },
  credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
})
const iamOf = (keys: Keys) => new IAMClient(config(keys))
const policy = (...statements: object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allow = (Action: string, Resource = '*') => policy({ Effect: 'Allow', Action, Resource })
const s3 = (credentials: Keys) => test.house.client(mainAccount, { credentials })
const get = (keys: Keys, Bucket: string) => outcome(s3(keys).send(new GetObjectCommand({ Bucket, Key: 'cat' })))
const put = (keys: Keys, Bucket: string) =>
  outcome(s3(keys).send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x' })))

let made = 0
const newName = () => `managed-${++made}`
async function create(PolicyDocument: string, more: { Path?: string; Description?: string } = {}) {
  const PolicyName = newName()
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName, PolicyDocument, ...more }))
  return { PolicyName, PolicyArn: Policy?.Arn ?? '', Policy }
}
async function user() {
  const UserName = newName()
  await iam.send(new CreateUserCommand({ UserName }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }))
  const keys = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' }
  return { UserName, keys }
}
async function role() {
  const RoleName = newName()
  const Statement = { Effect: 'Allow', Principal: { AWS: mainAccount.id }, Action: 'sts:AssumeRole' }
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: policy(Statement) }))
  const assume = async (more: object = {}): Promise<Keys> => {
    const call = { RoleArn: Role?.Arn, RoleSessionName: 'day', ...more }
    const { Credentials } = await new STSClient(config(mainAccount.user)).send(new AssumeRoleCommand(call))
    return {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    }
  }
  return { RoleName, assume }
}

describe('a managed policy', () => {
  it('gives what it says to the users, groups and roles that it is attached to, and no longer', async () => {
    const Bucket = await test.bucket()
    const { PolicyArn } = await create(allow('s3:GetObject'))
    const [one, two, taken, GroupName] = [await user(), await user(), await role(), newName()]
    await iam.send(new CreateGroupCommand({ GroupName }))
    await iam.send(new AddUserToGroupCommand({ GroupName, UserName: two.UserName }))
    const session = await taken.assume()
    const all = async () => [await get(one.keys, Bucket), await get(two.keys, Bucket), await get(session, Bucket)]
    const no = '403 AccessDenied'
    expect(await all()).toEqual([no, no, no])
    const [{ UserName }, { RoleName }] = [one, taken]
    await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn }))
    await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn }))
    await iam.send(new AttachGroupPolicyCommand({ GroupName, PolicyArn }))
    await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }))
    expect(await all()).toEqual(['200', '200', '200'])
    expect(await put(one.keys, Bucket)).toBe(no)
    expect((await iam.send(new GetPolicyCommand({ PolicyArn }))).Policy?.AttachmentCount).toBe(3)
    const entities = await iam.send(new ListEntitiesForPolicyCommand({ PolicyArn }))
    expect(entities).toMatchObject({
      PolicyGroups: [{ GroupName, GroupId: expect.stringMatching(/^AGPA/) }],
      PolicyUsers: [{ UserName, UserId: expect.stringMatching(/^AIDA/) }],
      PolicyRoles: [{ RoleName, RoleId: expect.stringMatching(/^AROA/) }],
    })
    const roles = await iam.send(new ListEntitiesForPolicyCommand({ PolicyArn, EntityFilter: 'Role' }))
    expect([roles.PolicyRoles?.length, roles.PolicyUsers, roles.PolicyGroups]).toEqual([1, [], []])
    expect(await outcome(iam.send(new DeletePolicyCommand({ PolicyArn })))).toBe('409 DeleteConflict')
    await iam.send(new DetachUserPolicyCommand({ UserName, PolicyArn }))
    await iam.send(new DetachGroupPolicyCommand({ GroupName, PolicyArn }))
    await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }))
    expect(await all()).toEqual([no, no, no])
    const again = new DetachUserPolicyCommand({ UserName, PolicyArn })
    expect(await outcome(iam.send(again))).toBe('404 NoSuchEntity')
    await iam.send(new DeletePolicyCommand({ PolicyArn }))
    expect(await outcome(iam.send(new GetPolicyCommand({ PolicyArn })))).toBe('404 NoSuchEntity')
    expect(await outcome(iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn })))).toBe('404 NoSuchEntity')
  })

  it('denies as well, and limits sessions', async () => {
    const Bucket = await test.bucket()
    const [{ PolicyArn }, readOnly] = [
      await create(policy({ Effect: 'Deny', Action: 's3:PutObject', Resource: '*' })),
      await create(allow('s3:GetObject')),
    ]
    const { RoleName, assume } = await role()
    const full = 'arn:aws:iam::aws:policy/AmazonS3FullAccess'
    await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: full }))
    const [session, limited] = [await assume(), await assume({ PolicyArns: [{ arn: readOnly.PolicyArn }] })]
    expect([await put(session, Bucket), await put(limited, Bucket)]).toEqual(['200', '403 AccessDenied'])
    expect(await get(limited, Bucket)).toBe('200')
    await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }))
    expect([await get(session, Bucket), await put(session, Bucket)]).toEqual(['200', '403 AccessDenied'])
    // What limited it cannot be told any more.
    await iam.send(new DeletePolicyCommand({ PolicyArn: readOnly.PolicyArn }))
    expect(await get(limited, Bucket)).toBe('403 AccessDenied')
    const gone = assume({ PolicyArns: [{ arn: readOnly.PolicyArn }] })
    expect(await outcome(gone)).toBe('404 NoSuchEntity')
  })

  it('has up to five versions, of which one counts', async () => {
    const Bucket = await test.bucket()
    const { PolicyArn } = await create(allow('s3:GetObject'))
    const { UserName, keys } = await user()
    await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn }))
    const add = (Action: string, SetAsDefault?: boolean) =>
      iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: allow(Action), SetAsDefault }))
    expect((await add('s3:PutObject')).PolicyVersion).toMatchObject({ VersionId: 'v2', IsDefaultVersion: false })
    const both = async () => [await get(keys, Bucket), await put(keys, Bucket)]
    expect(await both()).toEqual(['200', '403 AccessDenied'])
    await iam.send(new SetDefaultPolicyVersionCommand({ PolicyArn, VersionId: 'v2' }))
    expect(await both()).toEqual(['403 AccessDenied', '200'])
    expect((await add('s3:*', true)).PolicyVersion).toMatchObject({ VersionId: 'v3', IsDefaultVersion: true })
    expect(await both()).toEqual(['200', '200'])
    await add('s3:GetObject')
    await add('s3:GetObject')
    expect(await outcome(add('s3:GetObject'))).toBe('409 LimitExceeded')
    const versions = async () => (await iam.send(new ListPolicyVersionsCommand({ PolicyArn }))).Versions ?? []
    expect((await versions()).map(({ VersionId, IsDefaultVersion }) => [VersionId, IsDefaultVersion])).toEqual([
      ...[
        ['v5', false],
        ['v4', false],
        ['v3', true],
      ],
      ...[
        ['v2', false],
        ['v1', false],
      ],
    ])
    const page = await iam.send(new ListPolicyVersionsCommand({ PolicyArn, MaxItems: 2 }))
    const rest = await iam.send(new ListPolicyVersionsCommand({ PolicyArn, Marker: page.Marker }))
    expect([page.IsTruncated, rest.Versions?.map(({ VersionId }) => VersionId)]).toEqual([true, ['v3', 'v2', 'v1']])
    const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: 'v2' }))
    expect(decodeURIComponent(PolicyVersion?.Document ?? '')).toBe(allow('s3:PutObject'))
    const remove = (VersionId: string) => iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId }))
    expect(await outcome(remove('v3'))).toBe('409 DeleteConflict')
    expect(await outcome(remove('v9'))).toBe('404 NoSuchEntity')
    expect(await outcome(remove('3'))).toBe('400 ValidationError')
    await iam.send(new DetachUserPolicyCommand({ UserName, PolicyArn }))
    expect(await outcome(iam.send(new DeletePolicyCommand({ PolicyArn })))).toBe('409 DeleteConflict')
    for (const VersionId of ['v1', 'v2', 'v4', 'v5']) await remove(VersionId)
    // No number is used again.
    expect((await add('s3:GetObject')).PolicyVersion?.VersionId).toBe('v6')
    await remove('v6')
    await iam.send(new DeletePolicyCommand({ PolicyArn }))
  })

  it('has a name of its own, a path, and not too much to say', async () => {
    const { Policy, PolicyName } = await create(allow('s3:*'), { Path: '/team/x/', Description: 'what it is for' })
    const Arn = `arn:aws:iam::${mainAccount.id}:policy/team/x/${PolicyName}`
    const told = { Arn, PolicyName, Path: '/team/x/', DefaultVersionId: 'v1', AttachmentCount: 0, IsAttachable: true }
    expect(Policy).toMatchObject({ ...told, PolicyId: expect.stringMatching(/^ANPA[A-Z2-7]{17}$/) })
    const known = await iam.send(new GetPolicyCommand({ PolicyArn: Arn }))
    expect(known.Policy).toMatchObject({ ...told, PolicyId: Policy?.PolicyId, Description: 'what it is for' })
    const attempt = (input: Partial<ConstructorParameters<typeof CreatePolicyCommand>[0]>) =>
      outcome(iam.send(new CreatePolicyCommand({ PolicyName: newName(), PolicyDocument: allow('s3:*'), ...input })))
    expect(await attempt({ PolicyName: PolicyName.toUpperCase() })).toBe('409 EntityAlreadyExists')
    expect(await attempt({ PolicyName: 'a b' })).toBe('400 ValidationError')
    expect(await attempt({ Path: '/x' })).toBe('400 ValidationError')
    expect(await attempt({ Path: '/a:b/' })).toBe('400 ValidationError')
    expect(await attempt({ PolicyDocument: '{' })).toBe('400 MalformedPolicyDocument')
    expect(await attempt({ PolicyDocument: allow('s3:*').replace('Resource', 'Principal') })).toBe(
      '400 MalformedPolicyDocument',
    )
    const long = (characters: number) => allow('s3:*', `arn:aws:s3:::${'x'.repeat(characters)}`)
    const room = 6144 - long(0).length
    expect(await attempt({ PolicyDocument: `${long(room)}${' '.repeat(1000)}` })).toBe('200')
    expect(await attempt({ PolicyDocument: long(room + 1) })).toBe('409 LimitExceeded')
  })

  it('is listed with those of AWS, by where it is and whether it is attached', async () => {
    const mine = await create(allow('s3:*'), { Path: '/listed/' })
    const { UserName } = await user()
    const arns = async (input: object) =>
      (await iam.send(new ListPoliciesCommand({ MaxItems: 1000, ...input }))).Policies?.map(({ Arn }) => Arn) ?? []
    const full = 'arn:aws:iam::aws:policy/AmazonS3FullAccess'
    expect(await arns({ PathPrefix: '/listed/' })).toEqual([mine.PolicyArn])
    expect(await arns({ Scope: 'AWS' })).toEqual(expect.arrayContaining([full]))
    expect((await arns({ Scope: 'AWS' })).length).toBe(5)
    expect(await arns({ Scope: 'Local' })).not.toContain(full)
    expect(await arns({})).toEqual(expect.arrayContaining([full, mine.PolicyArn]))
    expect(await arns({ PathPrefix: '/listed/', OnlyAttached: true })).toEqual([])
    await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: mine.PolicyArn }))
    expect(await arns({ PathPrefix: '/listed/', OnlyAttached: true })).toEqual([mine.PolicyArn])
    expect(await arns({ PolicyUsageFilter: 'PermissionsBoundary' })).toEqual([])
    const attached = await iam.send(new ListAttachedUserPoliciesCommand({ UserName, PathPrefix: '/listed/' }))
    expect(attached.AttachedPolicies).toEqual([{ PolicyName: mine.PolicyName, PolicyArn: mine.PolicyArn }])
    const paged: (string | undefined)[] = []
    for (let Marker: string | undefined, more = true; more; ) {
      const page = await iam.send(new ListPoliciesCommand({ MaxItems: 3, Marker }))
      paged.push(...(page.Policies?.map(({ Arn }) => Arn) ?? []))
      Marker = page.Marker
      more = page.IsTruncated === true
    }
    expect(paged).toEqual(await arns({}))
  })

  it('of AWS is told of, and stays as it is', async () => {
    const PolicyArn = 'arn:aws:iam::aws:policy/AmazonS3FullAccess'
    const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }))
    expect(Policy).toMatchObject({
      PolicyName: 'AmazonS3FullAccess',
      Arn: PolicyArn,
      Path: '/',
      DefaultVersionId: 'v1',
    })
    const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: 'v1' }))
    expect(decodeURIComponent(PolicyVersion?.Document ?? '')).toContain('s3:*')
    for (const changing of [
      iam.send(new DeletePolicyCommand({ PolicyArn })),
      iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: allow('*') })),
      iam.send(new SetDefaultPolicyVersionCommand({ PolicyArn, VersionId: 'v1' })),
      iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId: 'v1' })),
    ]) {
      expect(await outcome(changing)).toBe('403 AccessDenied')
    }
  })

  it('is of its account alone', async () => {
    const { PolicyArn } = await create(allow('s3:*'))
    const stranger = iamOf(otherAccount.user)
    await stranger.send(new CreateUserCommand({ UserName: 'eve' }))
    expect(await outcome(stranger.send(new GetPolicyCommand({ PolicyArn })))).toBe('404 NoSuchEntity')
    expect(await outcome(stranger.send(new DeletePolicyCommand({ PolicyArn })))).toBe('404 NoSuchEntity')
    const attach = new AttachUserPolicyCommand({ UserName: 'eve', PolicyArn })
    expect(await outcome(stranger.send(attach))).toBe('404 NoSuchEntity')
    expect((await stranger.send(new ListPoliciesCommand({ Scope: 'Local' }))).Policies).toEqual([])
  })

  it('is asked for by its ARN when rights to change it are', async () => {
    const { PolicyArn } = await create(allow('s3:GetObject'))
    const other = await create(allow('s3:GetObject'))
    const { UserName, keys } = await user()
    const own = await create(allow('iam:CreatePolicyVersion', PolicyArn))
    await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: own.PolicyArn }))
    const add = (arn: string) =>
      outcome(
        iamOf(keys).send(new CreatePolicyVersionCommand({ PolicyArn: arn, PolicyDocument: allow('s3:PutObject') })),
      )
    expect([await add(PolicyArn), await add(other.PolicyArn)]).toEqual(['200', '403 AccessDenied'])
    const grab = new AttachUserPolicyCommand({ UserName, PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' })
    expect(await outcome(iamOf(keys).send(grab))).toBe('403 AccessDenied')
  })
})

it('is there again after a restart, as identity providers are', async () => {
  const before = await startHouse()
  const { directory } = before
  try {
    const client = (url: string) => new IAMClient({ ...config(mainAccount.user), endpoint: url })
    const made = { PolicyName: 'kept', PolicyDocument: allow('s3:GetObject'), Description: 'what it is for' }
    const { Policy } = await client(before.s3Url).send(new CreatePolicyCommand(made))
    const Url = 'https://idp.example'
    await client(before.s3Url).send(new CreateOpenIDConnectProviderCommand({ Url, ClientIDList: ['a'] }))
    await before.stop()
    await using after = await startHouse({ directory })
    const known = await client(after.s3Url).send(new GetPolicyCommand({ PolicyArn: Policy?.Arn }))
    expect(known.Policy).toMatchObject({ PolicyId: Policy?.PolicyId, Description: 'what it is for' })
    const list = await client(after.s3Url).send(new ListOpenIDConnectProvidersCommand())
    expect(list.OpenIDConnectProviderList).toHaveLength(1)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
