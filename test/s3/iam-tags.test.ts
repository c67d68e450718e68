import {
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteUserCommand,
  GetPolicyCommand,
  GetRoleCommand,
  GetUserCommand,
  IAMClient,
  ListPolicyTagsCommand,
  ListRoleTagsCommand,
  ListUserTagsCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
  TagPolicyCommand,
  TagRoleCommand,
  TagUserCommand,
  UntagPolicyCommand,
  UntagRoleCommand,
  UntagUserCommand,
} from '@aws-sdk/client-iam'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { AssumeRoleCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { outcome } from '../support/outcome.ts'
import { queryApi } from '../support/query-api.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
let root: IAMClient
beforeAll(async () => {
  test = await startSharedHouse('aws')
  root = new IAMClient(config(mainAccount.user))
})
afterAll(() => test[Symbol.asyncDispose]())

const NO = '403 AccessDenied'
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
const document = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement })
const allow = (Action: string | string[], more = {}) => ({ Effect: 'Allow', Action, Resource: '*', ...more })
const when = (operator: string, key: string, value: unknown) => ({ Condition: { [operator]: { [key]: value } } })
const tags = (...pairs: readonly (readonly [string, string])[]) => pairs.map(([Key, Value]) => ({ Key, Value }))
const trust = document({
  ...{ Effect: 'Allow', Principal: { AWS: mainAccount.id } },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
})

let made = 0
const newName = () => `tagged-${++made}`
async function user(statements: object[], Tags: ReturnType<typeof tags> = []) {
  const UserName = newName()
  await root.send(new CreateUserCommand({ UserName, ...(Tags.length > 0 ? { Tags } : {}) }))
  const PolicyDocument = document(...statements)
  await root.send(new PutUserPolicyCommand({ UserName, PolicyName: 'p', PolicyDocument }))
  const keys = keysOf((await root.send(new CreateAccessKeyCommand({ UserName }))).AccessKey)
  return { UserName, keys, iam: new IAMClient(config(keys)), sts: new STSClient(config(keys)) }
}

describe('tags', () => {
  const Tags = tags(['Team', 'red'], ['empty', ''])
  const later = { Tags: tags(['team', 'blue'], ['Place', 'here']) }
  /** One of a kind with `Tags`, and what is done to it. */
  const kinds = {
    user: async () => {
      const UserName = newName()
      const { User } = await root.send(new CreateUserCommand({ UserName, Tags }))
      return {
        created: User?.Tags,
        shown: async () => (await root.send(new GetUserCommand({ UserName }))).User?.Tags,
        list: (more: object = {}) => root.send(new ListUserTagsCommand({ UserName, ...more })),
        tag: (given: { Tags: ReturnType<typeof tags> }) => root.send(new TagUserCommand({ UserName, ...given })),
        untag: (TagKeys: string[]) => root.send(new UntagUserCommand({ UserName, TagKeys })),
      }
    },
    role: async () => {
      const RoleName = newName()
      const { Role } = await root.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust, Tags }))
      return {
        created: Role?.Tags,
        shown: async () => (await root.send(new GetRoleCommand({ RoleName }))).Role?.Tags,
        list: (more: object = {}) => root.send(new ListRoleTagsCommand({ RoleName, ...more })),
        tag: (given: { Tags: ReturnType<typeof tags> }) => root.send(new TagRoleCommand({ RoleName, ...given })),
        untag: (TagKeys: string[]) => root.send(new UntagRoleCommand({ RoleName, TagKeys })),
      }
    },
    policy: async () => {
      const input = { PolicyName: newName(), PolicyDocument: document(allow('s3:*')), Tags }
      const { Policy } = await root.send(new CreatePolicyCommand(input))
      const PolicyArn = Policy?.Arn ?? ''
      return {
        created: Policy?.Tags,
        shown: async () => (await root.send(new GetPolicyCommand({ PolicyArn }))).Policy?.Tags,
        list: (more: object = {}) => root.send(new ListPolicyTagsCommand({ PolicyArn, ...more })),
        tag: (given: { Tags: ReturnType<typeof tags> }) => root.send(new TagPolicyCommand({ PolicyArn, ...given })),
        untag: (TagKeys: string[]) => root.send(new UntagPolicyCommand({ PolicyArn, TagKeys })),
      }
    },
  }

  it.each(['user', 'role', 'policy'] as const)('of a %s are kept, told, changed and taken away', async (kind) => {
    const { created, shown, list, tag, untag } = await kinds[kind]()
    expect([created, await shown()]).toEqual([Tags, Tags])
    expect((await list()).Tags).toEqual(tags(['empty', ''], ['Team', 'red']))
    await tag(later)
    expect(await shown()).toEqual(tags(['empty', ''], ['team', 'blue'], ['Place', 'here']))
    const first = await list({ MaxItems: 2 })
    expect([first.Tags?.map(({ Key }) => Key), first.IsTruncated]).toEqual([['empty', 'Place'], true])
    expect((await list({ Marker: first.Marker })).Tags).toEqual(tags(['team', 'blue']))
    await untag(['TEAM', 'nothing', 'empty'])
    expect(await shown()).toEqual(tags(['Place', 'here']))
    await untag(['Place'])
    expect([(await list()).Tags, await shown()]).toEqual([[], undefined])
    expect(await outcome(tag({ Tags: tags(['a', '1'], ['A', '2']) }))).toBe('400 InvalidInput')
    expect(await outcome(tag({ Tags: tags(['aws:a', '1']) }))).toBe('400 ValidationError')
    expect(await outcome(tag({ Tags: tags(['a', 'x'.repeat(257)]) }))).toBe('400 ValidationError')
    await tag({ Tags: Array.from({ length: 50 }, (_, n) => ({ Key: `k${n}`, Value: '' })) })
    expect(await outcome(tag({ Tags: tags(['more', '']) }))).toBe('409 LimitExceeded')
    expect(await outcome(tag({ Tags: tags(['K1', 'other']) }))).toBe('200')
  })

  it('that are not whole, or of nobody, are refused', async () => {
    const iam = queryApi(test.house.s3Url, 'iam')
    const { UserName } = await user([allow('s3:*')])
    const tag = async (given: Record<string, string>) => (await iam('TagUser', { UserName, ...given })).outcome
    expect(await tag({})).toBe('400 ValidationError')
    expect(await tag({ 'Tags.member.1.Key': 'a' })).toBe('400 ValidationError')
    expect(await tag({ 'Tags.member.2.Key': 'a', 'Tags.member.2.Value': 'b' })).toBe('400 ValidationError')
    expect(await tag({ 'Tags.member.1.Key': 'a', 'Tags.member.1.Value': '' })).toBe('200')
    expect((await iam('UntagUser', { UserName, 'TagKeys.member.2': 'a' })).outcome).toBe('400 ValidationError')
    expect((await iam('ListRoleTags', { RoleName: 'nobody' })).outcome).toBe('404 NoSuchEntity')
    const PolicyArn = 'arn:aws:iam::aws:policy/AmazonS3FullAccess'
    const given = { PolicyArn, 'Tags.member.1.Key': 'a', 'Tags.member.1.Value': 'b' }
    expect((await iam('TagPolicy', given)).outcome).toBe(NO)
  })
})

describe('conditions and variables', () => {
  const s3 = (keys: Keys) => test.house.client(mainAccount, { credentials: keys })
  const get = (keys: Keys, Bucket: string, Key: string) => outcome(s3(keys).send(new GetObjectCommand({ Bucket, Key })))
  async function bucket() {
    const Bucket = await test.bucket()
    for (const Key of ['red/x', 'blue/x']) await test.main.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    const both = async (keys: Keys) => [await get(keys, Bucket, 'red/x'), await get(keys, Bucket, 'blue/x')]
    return { both }
  }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the policy
  const own = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::*/${aws:PrincipalTag/team}/*' }

  it('know the tags of a user, and of his sessions, as they are', async () => {
    const { both } = await bucket()
    const { UserName, keys, sts } = await user([own], tags(['Team', 'red']))
    const session = keysOf((await sts.send(new GetSessionTokenCommand({}))).Credentials)
    for (const one of [keys, session]) expect(await both(one)).toEqual(['200', NO])
    await root.send(new TagUserCommand({ UserName, Tags: tags(['team', 'blue']) }))
    for (const one of [keys, session]) expect(await both(one)).toEqual([NO, '200'])
    await root.send(new UntagUserCommand({ UserName, TagKeys: ['team'] }))
    for (const one of [keys, session]) expect(await both(one)).toEqual([NO, NO])
  })

  it('know the tags of a role, those of the session before them, and hand on none that was not to be', async () => {
    const { both } = await bucket()
    const { sts } = await user([allow(['sts:AssumeRole', 'sts:TagSession'])], tags(['team', 'blue']))
    const role = async (Tags?: ReturnType<typeof tags>) => {
      const RoleName = newName()
      const input = { RoleName, AssumeRolePolicyDocument: trust, ...(Tags ? { Tags } : {}) }
      const { Role } = await root.send(new CreateRoleCommand(input))
      const PolicyDocument = document(own, allow('sts:*'))
      await root.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'p', PolicyDocument }))
      return { RoleName, RoleArn: Role?.Arn ?? '' }
    }
    const { RoleName, RoleArn } = await role(tags(['Team', 'red']))
    const take = async (by: STSClient, Arn: string, more: object = {}) =>
      keysOf((await by.send(new AssumeRoleCommand({ RoleArn: Arn, RoleSessionName: 'once', ...more }))).Credentials)
    const plain = await take(sts, RoleArn)
    const tagged = await take(sts, RoleArn, { Tags: tags(['TEAM', 'blue']) })
    expect([await both(plain), await both(tagged)]).toEqual([
      ['200', NO],
      [NO, '200'],
    ])
    const untagged = await role()
    expect(await both(await take(new STSClient(config(plain)), untagged.RoleArn))).toEqual([NO, NO])
    await root.send(new TagRoleCommand({ RoleName, Tags: tags(['team', 'blue']) }))
    expect(await both(plain)).toEqual([NO, '200'])
  })

  it('let somebody tag, and make, and take away, only so', async () => {
    const name = newName()
    const red = tags(['team', 'red'])
    const make = (iam: IAMClient, Tags?: ReturnType<typeof tags>) =>
      outcome(iam.send(new CreateUserCommand({ UserName: newName(), ...(Tags ? { Tags } : {}) })))
    const plain = await user([allow('iam:CreateUser')])
    expect([await make(plain.iam), await make(plain.iam, red)]).toEqual(['200', NO])
    const isRed = when('StringEquals', 'aws:RequestTag/Team', 'red')
    const maker = await user([allow(['iam:CreateUser', 'iam:TagUser'], isRed)])
    expect([await make(maker.iam), await make(maker.iam, red), await make(maker.iam, tags(['team', 'blue']))]).toEqual([
      NO,
      '200',
      NO,
    ])
    await root.send(new CreateUserCommand({ UserName: name, Tags: red }))
    const only = when('ForAllValues:StringEquals', 'aws:TagKeys', ['place'])
    const { iam } = await user([allow(['iam:TagUser', 'iam:UntagUser'], only)])
    const tag = (Tags: ReturnType<typeof tags>) => outcome(iam.send(new TagUserCommand({ UserName: name, Tags })))
    const untag = (...TagKeys: string[]) => outcome(iam.send(new UntagUserCommand({ UserName: name, TagKeys })))
    expect([await tag(tags(['place', 'x'])), await tag(tags(['place', 'x'], ['team', 'y']))]).toEqual(['200', NO])
    expect([await untag('team'), await untag('place')]).toEqual([NO, '200'])
  })

  it.each(['aws', 'iam'])('know by %s:ResourceTag the tags of whom a call is about', async (prefix) => {
    const isRed = when('StringEquals', `${prefix}:ResourceTag/team`, 'red')
    const { iam, sts } = await user([allow(['iam:DeleteUser', 'sts:AssumeRole'], isRed)])
    const take = async (...Tags: ReturnType<typeof tags>) => {
      const given = { RoleName: newName(), AssumeRolePolicyDocument: trust, ...(Tags.length > 0 ? { Tags } : {}) }
      const RoleArn = (await root.send(new CreateRoleCommand(given))).Role?.Arn ?? ''
      return outcome(sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'once' })))
    }
    const remove = async (...Tags: ReturnType<typeof tags>) => {
      const UserName = newName()
      await root.send(new CreateUserCommand({ UserName, ...(Tags.length > 0 ? { Tags } : {}) }))
      return outcome(iam.send(new DeleteUserCommand({ UserName })))
    }
    for (const call of [take, remove]) {
      expect([await call(...tags(['Team', 'red'])), await call(...tags(['team', 'blue'])), await call()]).toEqual([
        ...['200', NO, NO],
      ])
    }
  })
})
