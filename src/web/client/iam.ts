import { announceChange } from './changes.ts'
import { API, call, callJson } from './http.ts'
import { listOf, textOf } from './json.ts'
import { session } from './session.ts'

export interface PolicyAttribute {
  readonly name: string
  readonly value: string
  readonly operator?: string
}

export interface PolicyRole {
  readonly role_id: string
  readonly display_name?: string
  readonly description?: string
}

/** Of type `access`, or `authorization`: between services. */
export interface Policy {
  readonly id: string
  readonly type: 'access' | 'authorization'
  readonly description?: string
  readonly subjects: readonly { readonly attributes: readonly PolicyAttribute[] }[]
  readonly roles: readonly PolicyRole[]
  readonly resources: readonly { readonly attributes: readonly PolicyAttribute[] }[]
  readonly state?: string
  readonly created_at?: string
  readonly created_by_id?: string
  readonly last_modified_at?: string
}

export type PolicyDraft = Pick<Policy, 'type' | 'subjects' | 'roles' | 'resources'> & { readonly description?: string }

const POLICIES = `${API}/v1/policies`
const account = (): string => session().account.id
const items = <Item>(answer: unknown, name: string): readonly Item[] => listOf(answer, name) as readonly Item[]

export const listPolicies = async (type?: Policy['type'], signal?: AbortSignal): Promise<readonly Policy[]> =>
  items(await callJson(POLICIES, { query: { account_id: account(), type }, signal }), 'policies')

export async function createPolicy(policy: PolicyDraft): Promise<Policy> {
  const created = await callJson(POLICIES, { method: 'POST', json: policy })
  announceChange('access', 'keys')
  return created as Policy
}

export async function deletePolicy(id: string): Promise<void> {
  await callJson(`${POLICIES}/${encodeURIComponent(id)}`, { method: 'DELETE' })
  announceChange('access', 'keys', 'buckets')
}

/** As it is now, and what names this state of it. */
export interface StoredPolicy {
  readonly policy: Policy
  readonly etag: string
}

const policyPath = (id: string): string => `${POLICIES}/${encodeURIComponent(id)}`

export async function readPolicy(id: string, signal?: AbortSignal): Promise<StoredPolicy> {
  const found = await call(policyPath(id), { signal })
  return { policy: (await found.json()) as Policy, etag: found.headers.get('etag') ?? '' }
}

/** Throws an ApiError of status 412 when it is not what was read any more. */
export async function replacePolicy({ policy, etag }: StoredPolicy, draft: PolicyDraft): Promise<void> {
  await callJson(policyPath(policy.id), { method: 'PUT', json: draft, headers: { 'if-match': etag } })
  announceChange('access', 'keys', 'buckets')
}

export const READER = 'crn:v1:bluemix:public:iam::::serviceRole:Reader'

export interface AuthorizationDraft {
  readonly sourceService: string
  /** GUID; left out: every instance of the service in this account. */
  readonly sourceInstance?: string
  readonly targetService: string
  readonly targetInstance?: string
  /** Key id; left out: every key. */
  readonly key?: string
  readonly keyRing?: string
  readonly roleId?: string
}

/** One service may use what another one has. */
export function createAuthorization(draft: AuthorizationDraft): Promise<Policy> {
  const { sourceService, sourceInstance, targetService, targetInstance, key, keyRing, roleId = READER } = draft
  const given = (name: string, value: string | undefined) => (value === undefined ? [] : [{ name, value }])
  return createPolicy({
    type: 'authorization',
    subjects: [
      {
        attributes: [
          { name: 'accountId', value: account() },
          { name: 'serviceName', value: sourceService },
          ...given('serviceInstance', sourceInstance),
        ],
      },
    ],
    roles: [{ role_id: roleId }],
    resources: [
      {
        attributes: [
          { name: 'accountId', value: account() },
          { name: 'serviceName', value: targetService },
          ...given('serviceInstance', targetInstance),
          ...given('keyRing', keyRing),
          ...(key === undefined
            ? []
            : [
                { name: 'resourceType', value: 'key' },
                { name: 'resource', value: key },
              ]),
        ],
      },
    ],
  })
}

export const attributeOf = (attributes: readonly PolicyAttribute[] | undefined, name: string): string | undefined =>
  attributes?.find((one) => one.name === name)?.value

export interface Roles {
  readonly service_roles?: readonly RoleEntry[]
  readonly system_roles?: readonly RoleEntry[]
  readonly custom_roles?: readonly RoleEntry[]
}

export interface RoleEntry {
  readonly crn: string
  readonly display_name: string
  readonly description?: string
  readonly actions?: readonly string[]
}

export const listRoles = async (serviceName?: string, signal?: AbortSignal): Promise<Roles> =>
  (await callJson(`${API}/v2/roles`, { query: { account_id: account(), service_name: serviceName }, signal })) as Roles

export interface User {
  readonly id: string
  readonly iam_id: string
  readonly user_id: string
  readonly firstname: string
  readonly lastname: string
  readonly state: string
  readonly email: string
  readonly added_on?: string
}

export const listUsers = async (signal?: AbortSignal): Promise<readonly User[]> =>
  items(await callJson(`${API}/v2/accounts/${account()}/users`, { query: { limit: 100 }, signal }), 'resources')

const USERS = (): string => `${API}/v2/accounts/${account()}/users`

/** They are there at once, and have no credentials yet. The result is the new IAM id. */
export async function inviteUser(email: string): Promise<string> {
  const answer = await callJson(USERS(), { method: 'POST', json: { users: [{ email }] } })
  announceChange('access')
  return textOf(listOf(answer, 'resources')[0], 'id')
}

export async function setUserState(iamId: string, state: 'ACTIVE' | 'DISABLED_CLASSIC_INFRASTRUCTURE'): Promise<void> {
  await callJson(`${USERS()}/${encodeURIComponent(iamId)}`, { method: 'PATCH', json: { state } })
  announceChange('access')
}

/** With their API keys and all that was got with them, at once. */
export async function removeUser(iamId: string): Promise<void> {
  await callJson(`${USERS()}/${encodeURIComponent(iamId)}`, { method: 'DELETE' })
  announceChange('access')
}

export interface ServiceId {
  readonly id: string
  readonly iam_id: string
  readonly crn: string
  readonly name: string
  readonly description?: string
  readonly locked: boolean
  readonly created_at?: string
  readonly modified_at?: string
}

const SERVICE_IDS = `${API}/v1/serviceids`

export const listServiceIds = async (signal?: AbortSignal): Promise<readonly ServiceId[]> =>
  items(await callJson(SERVICE_IDS, { query: { account_id: account(), pagesize: 100 }, signal }), 'serviceids')

export async function createServiceId(name: string, description?: string): Promise<ServiceId> {
  const json = { account_id: account(), name, ...(description ? { description } : {}) }
  const created = await callJson(SERVICE_IDS, { method: 'POST', json })
  announceChange('access')
  return created as ServiceId
}

export async function deleteServiceId(id: string): Promise<void> {
  await callJson(`${SERVICE_IDS}/${encodeURIComponent(id)}`, { method: 'DELETE' })
  announceChange('access')
}

export interface ApiKey {
  readonly id: string
  readonly iam_id: string
  readonly name: string
  readonly description?: string
  readonly locked: boolean
  readonly disabled: boolean
  readonly created_at?: string
  readonly expires_at?: string
  /** At its creation, once. */
  readonly apikey: string
}

const API_KEYS = `${API}/v1/apikeys`

export const listApiKeys = async (iamId: string, signal?: AbortSignal): Promise<readonly ApiKey[]> =>
  items(await callJson(API_KEYS, { query: { account_id: account(), iam_id: iamId, pagesize: 100 }, signal }), 'apikeys')

export async function createApiKey(iamId: string, name: string, description?: string): Promise<ApiKey> {
  const json = { account_id: account(), iam_id: iamId, name, ...(description ? { description } : {}) }
  const created = await callJson(API_KEYS, { method: 'POST', json })
  announceChange('access')
  return created as ApiKey
}

export async function switchApiKey(id: string, to: 'enable' | 'disable' | 'lock' | 'unlock'): Promise<void> {
  const isLock = to === 'lock' || to === 'unlock'
  const method = to === 'disable' || to === 'unlock' ? 'DELETE' : 'POST'
  await callJson(`${API_KEYS}/${encodeURIComponent(id)}/${isLock ? 'lock' : 'disable'}`, {
    method: to === 'disable' ? 'POST' : to === 'enable' ? 'DELETE' : method,
  })
  announceChange('access')
}

export async function deleteApiKey(id: string): Promise<void> {
  await callJson(`${API_KEYS}/${encodeURIComponent(id)}`, { method: 'DELETE' })
  announceChange('access')
}

/** HMAC pairs of the object storage instances. */
export interface ResourceKey {
  readonly id: string
  readonly guid: string
  readonly name: string
  readonly crn: string
  readonly created_at?: string
  readonly credentials?: Readonly<Record<string, unknown>>
}

export const listResourceKeys = async (signal?: AbortSignal): Promise<readonly ResourceKey[]> =>
  items(await callJson(`${API}/v2/resource_keys`, { query: { limit: 100 }, signal }), 'resources')

export async function createResourceKey(
  instance: string,
  name: string,
  options: { readonly role?: string; readonly hmac?: boolean; readonly serviceIdCrn?: string } = {},
): Promise<ResourceKey> {
  const { role, hmac = true, serviceIdCrn } = options
  const parameters = { HMAC: hmac, ...(serviceIdCrn === undefined ? {} : { serviceid_crn: serviceIdCrn }) }
  const json = { name, source: instance, parameters, ...(role === undefined ? {} : { role }) }
  const created = await callJson(`${API}/v2/resource_keys`, { method: 'POST', json })
  announceChange('access')
  return created as ResourceKey
}

export async function deleteResourceKey(id: string): Promise<void> {
  await callJson(`${API}/v2/resource_keys/${encodeURIComponent(id)}`, { method: 'DELETE' })
  announceChange('access')
}
