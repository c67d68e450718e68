import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { QUERY_OPERATIONS } from '../../src/api/s3/query/operations.ts'
import type { QueryOperation } from '../../src/api/s3/query/query-operation.ts'
import { bootstrapOf, mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
import { iamToken, serviceToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { otherAccount } from '../support/other-account.ts'
import { type QueryCredentials, type QueryReply, queryApi } from '../support/query-api.ts'
import { bearer, sendPlain } from '../support/send.ts'

/** Roles of IBM's in the account, none of which is that of an Administrator. */
const ROLES = {
  reader: { 'cloud-object-storage': 'Reader', kms: 'Reader', iam: 'Viewer' },
  writer: { 'cloud-object-storage': 'Writer', kms: 'Writer', iam: 'Operator' },
  manager: { 'cloud-object-storage': 'Manager', kms: 'Manager', iam: 'Editor' },
} as const
type IbmRole = keyof typeof ROLES
const ibmRoles: readonly IbmRole[] = ['reader', 'writer', 'manager']
const keyOf = (role: IbmRole): QueryCredentials => ({
  accessKeyId: `TEST${role.toUpperCase()}KEY`,
  secretAccessKey: `secret of the ${role}`,
})

let directory: string
let test: TestHouse
let service: string
/** A user of AWS's kind without any policy, and one whose only policy each test writes. */
let bare: QueryCredentials
let ruled: QueryCredentials
let before: readonly string[]
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
  const document = JSON.parse(JSON.stringify(bootstrapOf([mainAccount, otherAccount])))
  for (const role of ibmRoles) {
    document.accounts[0].users.push({
      ...{ iamId: `IBMid-${role}`, name: role, email: `${role}@example.com`, hmac: [keyOf(role)], apiKeys: [] },
      roles: ROLES[role],
    })
  }
  const path = join(directory, 'identities.json')
  await writeFile(path, JSON.stringify(document))
  const settings = { COFFER_BOOTSTRAP_FILE: path, COFFER_LIMITS_REFUSED_SIGN_INS_PER_MINUTE: '0' }
  test = await startHouse({ directory, settings })
  const token = await iamToken(test.controlUrl)
  service = await serviceToken(test.controlUrl, token, objectStorageCrn(mainAccount))
  ;[bare, ruled] = [await newUser('bare'), await newUser('ruled')]
  await plant()
  await rule({ Action: 'iam:GetUser' })
  before = await portrait()
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const call = (api: 'iam' | 'sts', credentials?: QueryCredentials) => queryApi(test.s3Url, api, credentials)
const ours = (Action: string, params: Record<string, string> = {}) => call('iam')(Action, params)

async function newUser(UserName: string): Promise<QueryCredentials> {
  await ours('CreateUser', { UserName })
  const key = await ours('CreateAccessKey', { UserName })
  return { accessKeyId: key.text('AccessKeyId'), secretAccessKey: key.text('SecretAccessKey') }
}

const arn = (rest: string) => `arn:aws:iam::${mainAccount.id}:${rest}`
const policy = (statement: object) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Resource: '*', ...statement }] })
const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: arn('root') }, Action: 'sts:AssumeRole' }],
})

/** What the calls below name, so that nothing but the right to them decides. */
const VALUES: Readonly<Record<string, string>> = {
  ...{ UserName: 'victim', GroupName: 'team', RoleName: 'job', PolicyName: 'inline', PolicyArn: arn('policy/own') },
  ...{ PolicyDocument: policy({ Action: 's3:GetObject' }), AssumeRolePolicyDocument: TRUST, VersionId: 'v1' },
  ...{ OpenIDConnectProviderArn: arn('oidc-provider/idp.example'), ClientID: 'app', Status: 'Inactive' },
  ...{ Url: 'https://new.example', RoleArn: arn('role/assumed'), RoleSessionName: 'session', Description: 'changed' },
  ...{ PermissionsBoundary: arn('policy/own'), NewPath: '/new/', 'ThumbprintList.member.N': 'a'.repeat(40) },
  ...{ 'Tags.member.N.Key': 'k', 'Tags.member.N.Value': 'v', 'TagKeys.member.N': 'k', MaxSessionDuration: '7200' },
}
/** Made anew by the calls that make something. */
const NEW: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  CreateUser: { UserName: 'made' },
  CreateGroup: { GroupName: 'made' },
  CreateRole: { RoleName: 'made' },
  CreatePolicy: { PolicyName: 'made' },
}
let accessKeyId = ''

async function plant(): Promise<void> {
  for (const [Action, params] of [
    ['CreateUser', { UserName: 'victim' }],
    ['CreateGroup', { GroupName: 'team' }],
    ['CreateRole', { RoleName: 'job', AssumeRolePolicyDocument: TRUST }],
    ['CreateRole', { RoleName: 'assumed', AssumeRolePolicyDocument: TRUST }],
    ['CreatePolicy', { PolicyName: 'own', PolicyDocument: VALUES['PolicyDocument'] ?? '' }],
    ['CreateOpenIDConnectProvider', { Url: 'https://idp.example', 'ClientIDList.member.1': 'app' }],
  ] as const) {
    expect([Action, (await ours(Action, params)).outcome]).toEqual([Action, '200'])
  }
  for (const kind of ['User', 'Group', 'Role'] as const) {
    const named = { [`${kind}Name`]: VALUES[`${kind}Name`] ?? '', PolicyName: 'inline' }
    const put = await ours(`Put${kind}Policy`, { ...named, PolicyDocument: VALUES['PolicyDocument'] ?? '' })
    expect(put.outcome).toBe('200')
  }
  accessKeyId = (await ours('CreateAccessKey', { UserName: 'victim' })).text('AccessKeyId')
}

function paramsOf({ name, takes, alsoNeeds }: QueryOperation): Record<string, string> {
  const given = { ...VALUES, AccessKeyId: accessKeyId, ...NEW[name] }
  const params: Record<string, string> = {}
  for (const parameter of takes) {
    // Tags of what is made, or of a session, take one more right.
    if ((alsoNeeds || name === 'AssumeRole') && parameter.startsWith('Tags.')) continue
    const value = Reflect.get(given, parameter)
    if (typeof value === 'string') params[parameter.replaceAll('.N', '.1')] = value
  }
  return params
}
const ask = (operation: QueryOperation, credentials: QueryCredentials): Promise<QueryReply> =>
  call(operation.api, credentials)(operation.name, paramsOf(operation))
const rule = async (statement: object): Promise<void> => {
  const PolicyDocument = policy(statement)
  const put = await ours('PutUserPolicy', { UserName: 'ruled', PolicyName: 'rule', PolicyDocument })
  expect(put.outcome).toBe('200')
}

/** Without a signature, or by a token, which these APIs do not take. */
const plain = async ({ api, name, ...operation }: QueryOperation, headers: Record<string, string> = {}) => {
  const Version = api === 'iam' ? '2010-05-08' : '2011-06-15'
  const body = new URLSearchParams({ Action: name, Version, ...paramsOf({ api, name, ...operation }) }).toString()
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return sendPlain(test.s3Url, { method: 'POST', target: '/', headers: { ...type, ...headers }, body })
}

/** All that the account has, but for when its keys were used. */
async function portrait(): Promise<readonly string[]> {
  const replies = [
    ...['ListUsers', 'ListGroups', 'ListRoles', 'ListPolicies', 'ListOpenIDConnectProviders'].map((name) => ours(name)),
    ...['User', 'Group', 'Role'].flatMap((kind) => {
      const named = { [`${kind}Name`]: VALUES[`${kind}Name`] ?? '' }
      return [`List${kind}Policies`, `ListAttached${kind}Policies`].map((name) => ours(name, named))
    }),
    ...['ListAccessKeys', 'ListUserTags', 'ListGroupsForUser'].map((name) => ours(name, { UserName: 'victim' })),
    ours('GetUserPolicy', { UserName: 'victim', PolicyName: 'inline' }),
    ours('GetRole', { RoleName: 'job' }),
    ours('ListPolicyVersions', { PolicyArn: arn('policy/own') }),
    ours('GetOpenIDConnectProvider', { OpenIDConnectProviderArn: arn('oidc-provider/idp.example') }),
  ]
  const bodies = (await Promise.all(replies)).map(({ outcome, body }) => `${outcome} ${body}`)
  return bodies.map((body) => body.replace(/<RequestId>[^<]*/g, ''))
}

const all = QUERY_OPERATIONS.map((operation) => ({ name: operation.name, operation }))
const REFUSED = '403 AccessDenied'
/** For everybody who is somebody. Written down here once more, on purpose. */
const OPEN = ['GetCallerIdentity', 'GetSessionToken']

describe('Of the calls of IAM and STS for AWS', () => {
  it('these are for everybody who signs', () => {
    expect(all.flatMap(({ name, operation }) => (operation.open ? [name] : [])).sort()).toEqual(OPEN)
  })

  it.each(all)(
    '$name is made by nobody, by no service, and by none who is no Administrator',
    async ({ name, operation }) => {
      const nobody = [await plain(operation), await plain(operation, bearer(service))]
      // With a token it is a call of S3, which has no POST there.
      expect(nobody.map(({ status }) => status)).toEqual([403, 405])
      const expected = OPEN.includes(name) ? '200' : REFUSED
      for (const role of ibmRoles) expect([role, (await ask(operation, keyOf(role))).outcome]).toEqual([role, expected])
      expect((await ask(operation, bare)).outcome).toBe(expected)
    },
  )

  it.each(all.filter(({ name }) => !OPEN.includes(name)))(
    '$name is denied to whom all else is allowed',
    async ({ name, operation }) => {
      await rule({ Action: undefined, NotAction: `${operation.api}:${name}` })
      expect((await ask(operation, ruled)).outcome).toBe(REFUSED)
    },
  )

  it.each(all)('$name finds nothing of this account for an Administrator of another', async ({ operation }) => {
    const reply = await ask(operation, otherAccount.user)
    // A refusal names what was asked for.
    if (reply.status === 200) expect(reply.body).not.toContain(mainAccount.id)
    else expect(reply.body).not.toContain(accessKeyId)
  })

  it('nothing came of all that', async () => {
    await rule({ Action: 'iam:GetUser' })
    expect(await portrait()).toEqual(before)
  })

  it.each(all)('$name is made by whom it alone is allowed, and by an Administrator', async ({ name, operation }) => {
    await rule({ Action: `${operation.api}:${name}` })
    expect((await ask(operation, ruled)).status).not.toBe(403)
    expect((await ask(operation, mainAccount.user)).status).not.toBe(403)
  })
})
