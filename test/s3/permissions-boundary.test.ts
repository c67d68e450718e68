import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeletePolicyCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteUserPermissionsBoundaryCommand,
  GetPolicyCommand,
  GetRoleCommand,
  GetUserCommand,
  IAMClient,
  ListEntitiesForPolicyCommand,
  ListPoliciesCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  PutUserPermissionsBoundaryCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { AssumeRoleCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { outcome } from '../support/outcome.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
let iam: IAMClient
beforeAll(async () => {
  test = await startSharedHouse('classic')
  iam = new IAMClient(config(mainAccount.user))
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
interface Told {
  readonly AccessKeyId?: string | undefined
  readonly SecretAccessKey?: string | undefined
  readonly SessionToken?: string | undefined
}
const keysOf = (told: Told = {}): Keys => ({
  accessKeyId: told.AccessKeyId ?? '',
  secretAccessKey: told.SecretAccessKey ?? '',
  ...(told.SessionToken === undefined ? {} : { sessionToken: told.SessionToken }),
})
const policy = (...statements: object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allow = (Action: string, more = {}) => ({ Effect: 'Allow', Action, Resource: '*', ...more })
const s3 = (credentials: Keys) => test.house.client(mainAccount, { credentials })
const both = async (keys: Keys, Bucket: string) => [
  await outcome(s3(keys).send(new GetObjectCommand({ Bucket, Key: 'cat' }))),
  await outcome(s3(keys).send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x' }))),
]
const NO = '403 AccessDenied'

let made = 0
const newName = () => `bounded-${++made}`
async function managed(...statements: object[]): Promise<string> {
  const input = { PolicyName: newName(), PolicyDocument: policy(...statements) }
  return (await iam.send(new CreatePolicyCommand(input))).Policy?.Arn ?? ''
}
async function user(statements: object[], more: object = {}) {
  const UserName = newName()
  await iam.send(new CreateUserCommand({ UserName, ...more }))
  if (statements.length > 0) {
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'p', PolicyDocument: policy(...statements) }))
  }
  return { UserName, keys: keysOf((await iam.send(new CreateAccessKeyCommand({ UserName }))).AccessKey) }
}

describe('a permissions boundary', () => {
  it('limits a user to what it allows as well, and gives nothing', async () => {
    const Bucket = await test.bucket()
    const PermissionsBoundary = await managed(allow('s3:GetObject'))
    const [full, empty] = [await user([allow('s3:*')]), await user([], { PermissionsBoundary })]
    expect(await both(empty.keys, Bucket)).toEqual([NO, NO])
    expect(await both(full.keys, Bucket)).toEqual(['200', '200'])
    const { UserName, keys } = full
    await iam.send(new PutUserPermissionsBoundaryCommand({ UserName, PermissionsBoundary }))
    expect(await both(keys, Bucket)).toEqual(['200', NO])
    const session = await new STSClient(config(keys)).send(new GetSessionTokenCommand())
    expect(await both(keysOf(session.Credentials), Bucket)).toEqual(['200', NO])
    // Stricter than AWS: what a bucket gives by name is limited, too.
    const arn = `arn:aws:iam::${mainAccount.id}:user/${UserName}`
    await test.policy(Bucket, { Principal: { AWS: arn }, Action: 's3:PutObject' })
    expect(await both(keys, Bucket)).toEqual(['200', NO])
    const { User } = await iam.send(new GetUserCommand({ UserName }))
    expect(User?.PermissionsBoundary).toMatchObject({ PermissionsBoundaryArn: PermissionsBoundary })
    await iam.send(new DeleteUserPermissionsBoundaryCommand({ UserName }))
    expect(await both(keys, Bucket)).toEqual(['200', '200'])
    const again = new DeleteUserPermissionsBoundaryCommand({ UserName })
    expect(await outcome(iam.send(again))).toBe('404 NoSuchEntity')
  })

  it('limits the sessions of a role, within what its policies say and as it is at the time', async () => {
    const Bucket = await test.bucket()
    const PolicyArn = await managed(allow('s3:GetObject'))
    const RoleName = newName()
    const Statement = { Effect: 'Allow', Principal: { AWS: mainAccount.id }, Action: 'sts:AssumeRole' }
    const { Role } = await iam.send(
      new CreateRoleCommand({
        ...{ RoleName, AssumeRolePolicyDocument: policy(Statement), PermissionsBoundary: PolicyArn },
      }),
    )
    expect(Role?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(PolicyArn)
    const PolicyDocument = policy(allow('s3:*'))
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'p', PolicyDocument }))
    const call = { RoleArn: Role?.Arn, RoleSessionName: 'day' }
    const keys = keysOf((await new STSClient(config(mainAccount.user)).send(new AssumeRoleCommand(call))).Credentials)
    expect(await both(keys, Bucket)).toEqual(['200', NO])
    const denying = policy(allow('s3:*'), { Effect: 'Deny', Action: 's3:GetObject', Resource: '*' })
    await iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: denying, SetAsDefault: true }))
    expect(await both(keys, Bucket)).toEqual([NO, '200'])
    const full = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'
    await iam.send(new PutRolePermissionsBoundaryCommand({ RoleName, PermissionsBoundary: full }))
    expect(await both(keys, Bucket)).toEqual(['200', NO])
    await iam.send(new DeleteRolePermissionsBoundaryCommand({ RoleName }))
    expect(await both(keys, Bucket)).toEqual(['200', '200'])
    expect((await iam.send(new GetRoleCommand({ RoleName }))).Role?.PermissionsBoundary).toBeUndefined()
  })

  it('stays while it limits somebody, and is told of apart from what is attached', async () => {
    const PermissionsBoundary = await managed(allow('s3:GetObject'))
    const { UserName } = await user([], { PermissionsBoundary })
    const PolicyArn = PermissionsBoundary
    expect(await outcome(iam.send(new DeletePolicyCommand({ PolicyArn })))).toBe('409 DeleteConflict')
    const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }))
    expect([Policy?.AttachmentCount, Policy?.PermissionsBoundaryUsageCount]).toEqual([0, 1])
    const users = async (PolicyUsageFilter?: 'PermissionsBoundary' | 'PermissionsPolicy') => {
      const input = { PolicyArn, ...(PolicyUsageFilter ? { PolicyUsageFilter } : {}) }
      const { PolicyUsers = [] } = await iam.send(new ListEntitiesForPolicyCommand(input))
      return PolicyUsers.map((one) => one.UserName)
    }
    expect([await users(), await users('PermissionsBoundary')]).toEqual([[UserName], [UserName]])
    expect(await users('PermissionsPolicy')).toEqual([])
    const bounds = await iam.send(new ListPoliciesCommand({ PolicyUsageFilter: 'PermissionsBoundary' }))
    expect(bounds.Policies?.map(({ Arn }) => Arn)).toContain(PolicyArn)
    expect(bounds.Policies?.some(({ PermissionsBoundaryUsageCount }) => PermissionsBoundaryUsageCount === 0)).toBe(
      false,
    )
    await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn }))
    expect([await users(), await users('PermissionsPolicy')]).toEqual([[UserName], [UserName]])
    const nowhere = { UserName, PermissionsBoundary: `${PolicyArn}x` }
    expect(await outcome(iam.send(new PutUserPermissionsBoundaryCommand(nowhere)))).toBe('404 NoSuchEntity')
    const orphan = new CreateUserCommand({ UserName: newName(), PermissionsBoundary: `${PolicyArn}x` })
    expect(await outcome(iam.send(orphan))).toBe('404 NoSuchEntity')
  })

  it('lets rights be given on: whoever makes users only within it makes none without', async () => {
    const PermissionsBoundary = await managed(allow('s3:GetObject'))
    const within = { Condition: { StringEquals: { 'iam:PermissionsBoundary': PermissionsBoundary } } }
    const { keys } = await user([
      allow('iam:CreateUser', within),
      allow('iam:PutUserPolicy', within),
      allow('iam:PutUserPermissionsBoundary', within),
      allow('iam:AttachUserPolicy', within),
    ])
    const delegate = new IAMClient(config(keys))
    const create = (more: object) => {
      const UserName = newName()
      return outcome(delegate.send(new CreateUserCommand({ UserName, ...more })))
    }
    expect(await create({})).toBe(NO)
    expect(await create({ PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' })).toBe(NO)
    expect(await create({ PermissionsBoundary })).toBe('200')
    const UserName = `bounded-${made}`
    const PolicyDocument = policy(allow('*'))
    const put = (name: string) =>
      outcome(delegate.send(new PutUserPolicyCommand({ UserName: name, PolicyName: 'all', PolicyDocument })))
    expect(await put(UserName)).toBe('200')
    const unbounded = await user([])
    expect(await put(unbounded.UserName)).toBe(NO)
    const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess'
    const attach = (name: string) => outcome(delegate.send(new AttachUserPolicyCommand({ UserName: name, PolicyArn })))
    expect([await attach(UserName), await attach(unbounded.UserName)]).toEqual(['200', NO])
    const free = new DeleteUserPermissionsBoundaryCommand({ UserName })
    expect(await outcome(delegate.send(free))).toBe(NO)
    const wider = new PutUserPermissionsBoundaryCommand({ UserName, PermissionsBoundary: PolicyArn })
    expect(await outcome(delegate.send(wider))).toBe(NO)
  })
})
