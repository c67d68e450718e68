import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATIONS as ADMIN } from '../../src/api/admin/operations/index.ts'
import type { JsonOperationInfo } from '../../src/api/common/json-operation.ts'
import { notImplementedPolicyCalls } from '../../src/api/iam/not-implemented.ts'
import * as apiKeys from '../../src/api/iam/operations/api-keys/index.ts'
import * as policies from '../../src/api/iam/operations/index.ts'
import * as resourceInstances from '../../src/api/iam/operations/resource-instances/index.ts'
import * as resourceKeys from '../../src/api/iam/operations/resource-keys/index.ts'
import * as serviceIds from '../../src/api/iam/operations/service-ids/index.ts'
import * as signingKeys from '../../src/api/iam/operations/signing-keys/index.ts'
import * as users from '../../src/api/iam/operations/users/index.ts'
import { OPERATIONS as KEY_PROTECT } from '../../src/api/key-protect/operations/index.ts'
import { notImplemented as notImplementedKeyProtect } from '../../src/api/key-protect/operations/not-implemented.ts'
import * as resourceConfig from '../../src/api/resource-config/operations/index.ts'
import { bootstrapOf, mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
import { createRootKey, iamToken, serviceToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { otherAccount } from '../support/other-account.ts'
import { bearer, sendPlain } from '../support/send.ts'

/** From the least to the most that they may: a call that ends something ends it for those that come later. */
const CALLERS = ['nobody', 'other account', 'service', 'reader', 'writer', 'manager'] as const
type Caller = (typeof CALLERS)[number]

/** Users of the main account, each with the role of its name in object storage and Key Protect, and one of the platform. */
const ROLES = {
  reader: { 'cloud-object-storage': 'Reader', kms: 'Reader', iam: 'Viewer' },
  writer: { 'cloud-object-storage': 'Writer', kms: 'Writer', iam: 'Editor' },
  manager: { 'cloud-object-storage': 'Manager', kms: 'Manager', iam: 'Administrator' },
} as const
const keyOf = (name: string): string => `api key of the ${name}`
const iamIdOf = (name: string): string => `IBMid-${name}`

let directory: string
let test: TestHouse
let rootKeyCrn = ''
const tokens = new Map<Caller, string>()
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
  const document = JSON.parse(JSON.stringify(bootstrapOf([mainAccount, otherAccount])))
  const add = (name: string, roles: object) =>
    document.accounts[0].users.push({
      ...{ iamId: iamIdOf(name), name, email: `${name}@example.com`, hmac: [], apiKeys: [keyOf(name)], roles },
    })
  for (const [name, roles] of Object.entries(ROLES)) add(name, roles)
  for (const name of ['victim', 'second-victim']) add(name, ROLES.reader)
  const path = join(directory, 'identities.json')
  await writeFile(path, JSON.stringify(document))
  const settings = { COFFER_BOOTSTRAP_FILE: path, COFFER_LIMITS_REFUSED_SIGN_INS_PER_MINUTE: '0' }
  test = await startHouse({ directory, settings })
  await test.client().send(new CreateBucketCommand({ Bucket: 'mine' }))
  await test.client().send(new PutObjectCommand({ Bucket: 'mine', Key: 'kept', Body: 'kept' }))
  for (const name of ['reader', 'writer', 'manager'] as const)
    tokens.set(name, await iamToken(test.controlUrl, keyOf(name)))
  tokens.set('other account', await iamToken(test.controlUrl, otherAccount.user.apiKey))
  // Of the object storage instance, which may use keys there.
  const manager = tokens.get('manager') ?? ''
  tokens.set('service', await serviceToken(test.controlUrl, manager, objectStorageCrn(mainAccount)))
  rootKeyCrn = (await createRootKey(test.controlUrl, 'used')).crn
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

interface Sent {
  readonly method: string
  readonly target: string
  readonly body?: unknown
}
const send = ({ method, target, body }: Sent, caller: Caller) => {
  const token = tokens.get(caller)
  return sendPlain(test.controlUrl, {
    ...{ method, target },
    headers: {
      'bluemix-instance': mainAccount.keyProtectInstance,
      'content-type': 'application/json',
      'iam-apikey': mainAccount.user.apiKey,
      ...(token === undefined ? {} : bearer(token)),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

const crn = (service: string, rest: string) => `crn:v1:bluemix:public:${service}:global:a/${mainAccount.id}:${rest}`
const READER = 'crn:v1:bluemix:public:iam::::serviceRole:Reader'
let made = 0
const fresh = (): string => `made-${++made}`
const v1Policy = () => ({
  type: 'access',
  subjects: [{ attributes: [{ name: 'iam_id', value: iamIdOf('reader') }] }],
  roles: [{ role_id: READER }],
  resources: [
    {
      attributes: [
        { name: 'accountId', value: mainAccount.id },
        { name: 'serviceName', value: 'cloud-object-storage' },
        { name: 'resource', value: fresh() },
      ],
    },
  ],
})
const v2Policy = () => ({
  type: 'access',
  subject: { attributes: [{ key: 'iam_id', operator: 'stringEquals', value: iamIdOf('reader') }] },
  resource: {
    attributes: [
      { key: 'accountId', operator: 'stringEquals', value: mainAccount.id },
      { key: 'serviceName', operator: 'stringEquals', value: 'cloud-object-storage' },
      { key: 'resource', operator: 'stringEquals', value: fresh() },
    ],
  },
  control: { grant: { roles: [{ role_id: READER }] } },
})
const authorization = () => ({
  type: 'authorization',
  subject: {
    attributes: [
      { key: 'accountId', operator: 'stringEquals', value: mainAccount.id },
      { key: 'serviceName', operator: 'stringEquals', value: 'cloud-object-storage' },
    ],
  },
  resource: {
    attributes: [
      { key: 'accountId', operator: 'stringEquals', value: mainAccount.id },
      { key: 'serviceName', operator: 'stringEquals', value: 'kms' },
      { key: 'resource', operator: 'stringEquals', value: fresh() },
    ],
  },
  control: { grant: { roles: [{ role_id: READER }] } },
})
const newRole = () => ({
  ...{ name: `Role${++made}`, account_id: mainAccount.id, service_name: 'kms' },
  ...{ display_name: `Role ${made}`, actions: ['kms.secrets.list'] },
})
const newInstance = () => ({
  ...{ name: fresh(), target: 'us-south', resource_group: 'default' },
  resource_plan_id: 'eedd3585-90c6-4c8f-be3d-062069e99fc3',
})
const newResourceKey = () => ({
  ...{ name: fresh(), source: crn('cloud-object-storage', `${mainAccount.objectStorageInstance}::`), role: 'Reader' },
})
const newKeys = () => ({
  metadata: { collectionType: 'application/vnd.ibm.kms.key+json', collectionTotal: 1 },
  resources: [{ type: 'application/vnd.ibm.kms.key+json', name: fresh(), extractable: false }],
})
const keyPolicies = {
  metadata: { collectionType: 'application/vnd.ibm.kms.policy+json', collectionTotal: 1 },
  resources: [{ type: 'application/vnd.ibm.kms.policy+json', rotation: { interval_month: 3, enabled: true } }],
}
const instancePolicies = {
  metadata: { collectionType: 'application/vnd.ibm.kms.policy+json', collectionTotal: 1 },
  resources: [{ policy_type: 'metrics', policy_data: { enabled: false } }],
}

/** A body that each call takes, so that nothing but the right to it decides. */
const BODIES: Readonly<Record<string, () => unknown>> = {
  CreateKey: newKeys,
  CreateKeyWithPoliciesOverrides: newKeys,
  PatchKey: () => ({ keyRingID: 'default' }),
  UnwrapKey: () => ({ ciphertext: 'AAAA' }),
  'UnwrapKey by query': () => ({ ciphertext: 'AAAA' }),
  RewrapKey: () => ({ ciphertext: 'AAAA' }),
  'RewrapKey by query': () => ({ ciphertext: 'AAAA' }),
  PutPolicy: () => keyPolicies,
  PutInstancePolicy: () => instancePolicies,
  CreatePolicy: v1Policy,
  ReplacePolicy: v1Policy,
  UpdatePolicyState: () => ({ state: 'active' }),
  CreateV2Policy: v2Policy,
  ReplaceV2Policy: v2Policy,
  CreateRole: newRole,
  ReplaceRole: () => ({ display_name: fresh(), actions: ['kms.secrets.list'] }),
  CreateApiKey: () => ({ name: fresh(), iam_id: mainAccount.user.iamId, account_id: mainAccount.id }),
  UpdateApiKey: () => ({ name: fresh() }),
  CreateResourceInstance: newInstance,
  UpdateResourceInstance: () => ({ name: fresh() }),
  CreateResourceKey: newResourceKey,
  UpdateResourceKey: () => ({ name: fresh() }),
  CreateServiceId: () => ({ name: fresh(), account_id: mainAccount.id }),
  CreateServiceIdWithoutSlash: () => ({ name: fresh(), account_id: mainAccount.id }),
  UpdateServiceId: () => ({ name: fresh() }),
  AcceptInvitation: () => ({ account_id: mainAccount.id }),
  InviteUsers: () => ({ users: [{ email: `${fresh()}@example.com` }] }),
  UpdateUserProfile: () => ({ phonenumber: '1' }),
  UpdateUserSettings: () => ({ language: 'en-us' }),
  UpdateBucketConfig: () => ({ hard_quota: 0 }),
  MoveBucket: () => ({ encryption: 'provider-managed' }),
  RecountUsage: () => ({ repair: false }),
  // Of oneself; about others in test/admin/simulate.test.ts.
  CreateShareLink: () => ({ bucket: 'mine', key: 'kept' }),
  Simulate: () => ({ action: 's3:GetObject', resource: 'mine/kept' }),
}

const idIn = async (reply: ReturnType<typeof send>): Promise<string> => {
  const { status, body } = await reply
  const { id, guid } = JSON.parse(body.toString())
  if (typeof (guid ?? id) !== 'string') throw new Error(`${status} ${body.toString()}`)
  return guid ?? id
}
/** Something of the main account that a path names, made anew, by the beginning of the path. */
const MAKERS: readonly (readonly [string, () => Promise<string>])[] = [
  ['/api/v2/keys/', async () => (await createRootKey(test.controlUrl, fresh())).id],
  ['/v1/policies/', () => idIn(send({ method: 'POST', target: '/v1/policies', body: v1Policy() }, 'manager'))],
  ['/v2/policies/', () => idIn(send({ method: 'POST', target: '/v2/policies', body: v2Policy() }, 'manager'))],
  ['/v2/roles/', () => idIn(send({ method: 'POST', target: '/v2/roles', body: newRole() }, 'manager'))],
  [
    '/v1/apikeys/',
    () => idIn(send({ method: 'POST', target: '/v1/apikeys', body: BODIES['CreateApiKey']?.() }, 'manager')),
  ],
  [
    '/v1/serviceids/',
    () => idIn(send({ method: 'POST', target: '/v1/serviceids', body: BODIES['CreateServiceId']?.() }, 'manager')),
  ],
  [
    '/admin/v1/authorizations/',
    () => idIn(send({ method: 'POST', target: '/v2/policies', body: authorization() }, 'manager')),
  ],
  [
    '/v2/resource_instances/',
    () => idIn(send({ method: 'POST', target: '/v2/resource_instances', body: newInstance() }, 'manager')),
  ],
  [
    '/v2/resource_keys/',
    () => idIn(send({ method: 'POST', target: '/v2/resource_keys', body: newResourceKey() }, 'manager')),
  ],
]

async function targetOf({ name, path, query = {} }: JsonOperationInfo): Promise<string> {
  const make = MAKERS.find(([prefix]) => path.startsWith(`${prefix}:id`))?.[1]
  const id = path.includes(':id') ? await (make?.() ?? 'none') : ''
  const values: Readonly<Record<string, string>> = {
    id,
    account_id: mainAccount.id,
    iam_id: iamIdOf(name === 'RemoveUser' ? 'victim' : name === 'RemoveUserV3' ? 'second-victim' : 'main'),
    bucket: 'mine',
    name: 'mine',
    alias: `alias-${++made}`,
    ring: `ring-${++made}`,
    resourceCrn: encodeURIComponent(crn('cloud-object-storage', `${mainAccount.objectStorageInstance}:bucket:mine`)),
  }
  const filled = path.replace(/:(\w+)/g, (_, parameter) => values[parameter] ?? 'none')
  const given = new URLSearchParams({ ...query, ...QUERIES[name]?.() } as Record<string, string>).toString()
  return given === '' ? filled : `${filled}?${given}`
}

const QUERIES: Readonly<Record<string, () => Record<string, string>>> = {
  ListPolicies: () => ({ account_id: mainAccount.id }),
  ListV2Policies: () => ({ account_id: mainAccount.id }),
  ListRoles: () => ({ account_id: mainAccount.id }),
  ListApiKeys: () => ({ account_id: mainAccount.id }),
  ListServiceIds: () => ({ account_id: mainAccount.id }),
  ListServiceIdsWithoutSlash: () => ({ account_id: mainAccount.id }),
  GetKeyUsage: () => ({ crn: rootKeyCrn }),
  GetEnvelope: () => ({ key: 'kept' }),
  GetKeyImpact: () => ({ crn: rootKeyCrn }),
}

const OPERATIONS: readonly JsonOperationInfo[] = [
  ...KEY_PROTECT,
  ...[policies, apiKeys, resourceInstances, resourceKeys, serviceIds, signingKeys, users, resourceConfig].flatMap(
    (operations): readonly JsonOperationInfo[] => Object.values(operations),
  ),
  ...notImplementedPolicyCalls,
  ...ADMIN,
]
/** Two APIs have a call of one name. */
const labelOf = (operation: JsonOperationInfo): string =>
  operation.name === 'GetPolicy' && operation.path.startsWith('/v1/') ? 'GetPolicy of IAM' : operation.name

/** Without those that are for everybody: signing in, the keys that tokens are checked with. */
const ASKED = OPERATIONS.filter(({ anonymous }) => anonymous !== true)
const NOT_IMPLEMENTED = new Set([...notImplementedKeyProtect, ...notImplementedPolicyCalls].map(({ name }) => name))

/** Who may make each call. Written down here once more, on purpose: a call that is new, and in no row, fails. */
const TABLE: readonly (readonly [callers: readonly Caller[], calls: readonly string[]])[] = [
  [
    // Of each caller's own, or of what is nobody's: see OURS.
    ['other account', 'service', 'reader', 'writer', 'manager'],
    [
      ...['ActionOnKey', 'GetOverview', 'GetSamples', 'ListBuckets', 'ListJobs', 'ListRoles', 'ListScrubFindings'],
      'Simulate',
    ],
  ],
  [
    ['service', 'reader', 'writer', 'manager'],
    [
      'GetAllowedIPPort',
      'GetKeyCollectionMetadata',
      'GetKeyImpact',
      'GetKeyMetadata',
      'GetKeyUsage',
      'GetKeyVersions',
      'GetKeys',
      'GetRegistrations',
      'GetRegistrationsAllKeys',
      'ListKeyRings',
      'ListPolicies',
      'ListV2Policies',
      'RewrapKey',
      'RewrapKey by query',
      'UnwrapKey',
      'UnwrapKey by query',
      'WrapKey',
      'WrapKey by query',
    ],
  ],
  [
    ['other account', 'reader', 'writer', 'manager'],
    ['ListResourceInstances', 'ListResourceKeys', 'ListSigningKeys'],
  ],
  [
    ['reader', 'writer', 'manager'],
    [
      'AcceptInvitation',
      'GetApiKey',
      'GetApiKeyDetails',
      'GetAuthorizationImpact',
      'GetBucketConfig',
      'CreateShareLink',
      'GetEnvelope',
      'GetPolicy of IAM',
      'GetResourceInstance',
      'GetResourceKey',
      'GetRole',
      'GetServiceId',
      'GetUserProfile',
      'GetUserSettings',
      'GetV2Policy',
      'ListApiKeys',
      'ListResourceKeysForInstance',
      'ListServiceIds',
      'ListServiceIdsWithoutSlash',
      'ListUsers',
    ],
  ],
  [['other account', 'writer', 'manager'], ['CreateResourceInstance']],
  [['other account', 'manager'], ['ListActivity']],
  [
    ['writer', 'manager'],
    [
      'CreateKey',
      'CreateKeyAlias',
      'CreateKeyRing',
      'CreateServiceId',
      'CreateServiceIdWithoutSlash',
      'DeleteKeyAlias',
      'GetImportToken',
      'GetKey',
      'LockResourceInstance',
      'LockServiceId',
      'PostImportToken',
      'RotateKey',
      'RotateKey by query',
      'SetKeyForDeletion',
      'SetKeyForDeletion by query',
      'SyncAssociatedResources',
      'UnlockResourceInstance',
      'UnlockServiceId',
      'UnsetKeyForDeletion',
      'UnsetKeyForDeletion by query',
      'UpdateResourceInstance',
      'UpdateServiceId',
    ],
  ],
  [
    ['manager'],
    [
      'CancelRewrap',
      'CreateApiKey',
      'CreateKeyWithPoliciesOverrides',
      'CreatePolicy',
      'CreateResourceKey',
      'CreateRole',
      'CreateV2Policy',
      'DeleteApiKey',
      'DeleteKey',
      'DeleteKeyRing',
      'DeletePolicy',
      'DeleteResourceInstance',
      'DeleteResourceKey',
      'DeleteRole',
      'DeleteServiceId',
      'DeleteV2Policy',
      'DisableApiKey',
      'DisableKey',
      'DisableKey by query',
      'EnableApiKey',
      'EnableKey',
      'EnableKey by query',
      'ExplainReaders',
      'GetBucketUsage',
      'GetInstancePolicy',
      'GetPolicy',
      'GetScrub',
      'GetServerSettings',
      'GetVerification',
      'InviteUsers',
      'LockApiKey',
      'MoveBucket',
      'PatchKey',
      'PauseRewrap',
      'PutInstancePolicy',
      'PutPolicy',
      'RecountUsage',
      'RemoveUser',
      'RemoveUserV3',
      'ReplacePolicy',
      'ReplaceRole',
      'ReplaceV2Policy',
      'RestoreKey',
      'RestoreKey by query',
      'ResumeRewrap',
      'RotateSigningKey',
      'StartRewrap',
      'StartScrub',
      'StartVerification',
      'StopVerification',
      'UnlockApiKey',
      'UpdateApiKey',
      'UpdateBucketConfig',
      'UpdatePolicyState',
      'UpdateResourceKey',
      'UpdateUserProfile',
      'UpdateUserSettings',
    ],
  ],
  [['service'], ['CreateRegistration', 'DeleteRegistration', 'ReplaceRegistration', 'UpdateRegistration']],
  [[], ['PurgeKey']],
]

const MAY = new Map(TABLE.flatMap(([callers, calls]) => calls.map((name) => [name, callers] as const)))

async function statusOf(operation: JsonOperationInfo, caller: Caller): Promise<number> {
  const body = BODIES[operation.name]?.()
  const target = await targetOf(operation)
  const sent = { method: operation.method, target, ...(body === undefined ? {} : { body }) }
  const reply = await send(sent, caller)
  const isOutside = caller === 'other account' || caller === 'nobody'
  if (isOutside && reply.status < 300) expect(reply.body.toString()).not.toMatch(OURS)
  return reply.status
}

/** What only the main account has. */
const OURS = new RegExp([mainAccount.id, mainAccount.objectStorageInstance, mainAccount.keyProtectInstance].join('|'))

/** To another account nothing of this one is there. */
const isDenied = (status: number, caller: Caller): boolean =>
  status === 401 || status === 403 || (status === 404 && caller === 'other account')

describe('Of the calls of Key Protect, IAM, resource configuration and administration', () => {
  it.each(
    ASKED.filter(({ name }) => !NOT_IMPLEMENTED.has(name)).map((operation) => ({
      name: labelOf(operation),
      operation,
    })),
  )('$name is for those only who may', async ({ name, operation }) => {
    const admitted: Caller[] = []
    for (const caller of CALLERS) {
      const status = await statusOf(operation, caller)
      expect(status).toBeLessThan(500)
      if (!isDenied(status, caller)) admitted.push(caller)
    }
    expect(admitted).toEqual(MAY.get(name))
  })

  it.each(
    ASKED.filter(({ name }) => NOT_IMPLEMENTED.has(name)).map((operation) => ({ name: labelOf(operation), operation })),
  )('$name does nothing for anybody', async ({ operation }) => {
    expect(await statusOf(operation, 'nobody')).toBe(401)
    for (const caller of CALLERS.slice(1)) expect(await statusOf(operation, caller)).toBe(501)
  })

  it('each has its row', () => {
    const names = ASKED.filter(({ name }) => !NOT_IMPLEMENTED.has(name)).map(labelOf)
    expect([...MAY.keys()].sort()).toEqual(names.sort())
  })

  it('those for everybody are these', () => {
    const open = OPERATIONS.filter(({ anonymous }) => anonymous === true).map(({ name }) => name)
    expect(open.sort()).toEqual(['CreateOidcToken', 'CreateToken', 'GetKeys', 'GetOpenidConfiguration'])
  })
})
