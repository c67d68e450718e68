import type { Clock } from '../base/clock.ts'
import { formatCrn, parseCrn } from '../base/crn.ts'
import { newUuid } from '../base/ids.ts'
import { apiKeyFrom } from './api-key-management.ts'
import { newCredential } from './credentials.ts'
import { gone, newLife, notFound, revisedLife } from './entity-life.ts'
import { invalid } from './errors.ts'
import { findInstance } from './instances.ts'
import { userKey } from './keyspace.ts'
import { newServiceSecretAccessKey } from './new-secrets.ts'
import { newPolicy } from './policies.ts'
import { equal, type Policy, type PolicyDraft } from './policy.ts'
import type { Actor, StoredInstance, StoredResourceKey, StoredUser } from './records.ts'
import { checkedName } from './resource-name.ts'
import { PLATFORM_ROLES, platformRoleId, serviceRoleId } from './role-id.ts'
import { newServiceId } from './service-ids.ts'
import { SERVICE_ROLES } from './services.ts'
import type { IamState } from './state.ts'
import type { Change } from './table.ts'
import { isServiceId, userRemoval } from './users.ts'

export interface ResourceKeyDraft {
  readonly accountId: string
  readonly name: string
  /** GUID or CRN of an instance. */
  readonly source: string
  /** Name or CRN. Absent: the credentials may do nothing until somebody grants them something. */
  readonly role?: string | undefined
  /** An HMAC pair too; of object storage only. */
  readonly hmac: boolean
  /** An existing service id instead of a new one. */
  readonly serviceIdCrn?: string | undefined
}

/** The secrets of a resource key. */
export interface ResourceKeySecrets {
  /** At creation only: it is kept as a hash. */
  readonly apiKey?: string
  readonly hmac?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
}

/** Ids are GUIDs or CRNs. Each throws EntityNotFound; changes also EntityGone for a deleted one. */
export interface ResourceKeys {
  /** Service id, API key, HMAC pair and access policy, all or none. Throws IdentityInvalid, PolicyInvalid. */
  readonly create: (
    draft: ResourceKeyDraft,
    by: Actor,
  ) => Promise<{ readonly key: StoredResourceKey; readonly secrets: ResourceKeySecrets }>
  readonly get: (accountId: string, id: string) => StoredResourceKey
  /** In order of creation. */
  readonly list: (accountId: string, state: 'active' | 'removed') => readonly StoredResourceKey[]
  /** What can still be told of the secrets: the HMAC pair, which is kept sealed and not hashed, as SigV4 needs it. */
  readonly secrets: (key: StoredResourceKey) => ResourceKeySecrets
  readonly rename: (accountId: string, id: string, name: string, by: Actor) => Promise<StoredResourceKey>
  /** All that was made with it stops at once. */
  readonly remove: (accountId: string, id: string, by: Actor) => Promise<void>
}

/** A deleted key is told of that long. */
const REMEMBERED_MS = 7 * 86_400_000

export function createResourceKeys(state: IamState, clock: Clock): ResourceKeys {
  const { resourceKeys, credentials, change } = state
  const find = (accountId: string, id: string): StoredResourceKey => {
    const isCrn = id.startsWith('crn:')
    const found = resourceKeys.get((isCrn ? id.split(':')[9] : id)?.toLowerCase() ?? '')
    if (found?.accountId !== accountId || (isCrn && resourceKeyCrn(found) !== id)) throw notFound('resource key')
    return found
  }
  const findActive = (accountId: string, id: string): StoredResourceKey => {
    const found = find(accountId, id)
    if (found.removed) throw gone('resource key')
    return found
  }

  return {
    create: (draft, by) =>
      change(() => {
        const made = makeResourceKey(state, draft, by, clock.now())
        return { changes: made.changes, result: { key: made.key, secrets: made.secrets } }
      }),
    get: find,
    list: (accountId, wanted) =>
      [...resourceKeys.values()]
        .filter((key) => key.accountId === accountId && (key.removed ? 'removed' : 'active') === wanted)
        .sort((one, other) => one.life.createdAtMs - other.life.createdAtMs || (one.id < other.id ? -1 : 1)),
    secrets: ({ accessKeyId }) => {
      const pair = accessKeyId === undefined ? undefined : credentials.get(accessKeyId)
      return { hmac: pair && { accessKeyId: pair.accessKeyId, secretAccessKey: pair.secretAccessKey } }
    },
    rename: (accountId, id, name, by) =>
      change(() => {
        const found = findActive(accountId, id)
        const life = revisedLife(found.life, by, clock.now(), 'UPDATE', ['name'])
        const next = { ...found, name: checkedName(name), life }
        return { changes: [resourceKeys.put(next.id, next)], result: next }
      }),
    remove: (accountId, id, by) =>
      change(() => {
        const changes = resourceKeyRemoval(state, findActive(accountId, id), by, clock.now())
        return { changes: [...changes, ...forgotten(state, clock.now())], result: undefined }
      }),
  }
}

function makeResourceKey(state: IamState, draft: ResourceKeyDraft, by: Actor, nowMs: number) {
  const { accountId } = draft
  const instance = findInstance(state, draft.source)
  const source = instance && state.instances.get(instance.guid)
  if (source?.accountId !== accountId) throw notFound('instance')
  if (draft.hmac && source.service !== 'cloud-object-storage') throw invalid('HMAC is for object storage')

  const id = newUuid()
  const life = newLife(by, nowMs, 'CREATE')
  const name = checkedName(draft.name)
  const known = draft.serviceIdCrn === undefined ? undefined : existingServiceId(state, accountId, draft.serviceIdCrn)
  const serviceId = known ?? newServiceId(state, { accountId, name: `${name}-${id}`.slice(-200) }, life)
  const apiKeyDraft = { owner: serviceId, name, description: `Auto-generated for key ${id}` }
  const { apiKey, value } = apiKeyFrom(state, apiKeyDraft, by, nowMs)
  const pair = { accessKeyId: id.replaceAll('-', ''), secretAccessKey: newServiceSecretAccessKey() }
  const credential = draft.hmac ? { ...newCredential(serviceId, pair), instance: source.guid } : undefined
  const roleCrn = draft.role === undefined ? undefined : roleCrnOf(source, draft.role)
  const policy = roleCrn === undefined ? undefined : accessPolicy(state, source, serviceId, roleCrn, by)

  const key: StoredResourceKey = {
    id,
    accountId,
    name,
    sourceCrn: source.crn,
    sourceGuid: source.guid,
    resourceGroupId: source.details?.resourceGroupId ?? accountId,
    iamId: serviceId.iamId,
    ownsServiceId: known === undefined,
    apiKeyId: apiKey.id,
    accessKeyId: credential?.accessKeyId,
    roleCrn,
    policyId: policy?.id,
    onetimeCredentials: source.details?.onetimeCredentials ?? false,
    life,
  }
  const changes = [
    ...(known ? [] : [state.users.put(userKey(serviceId), serviceId)]),
    state.apiKeys.put(apiKey.hash, apiKey),
    ...(credential ? [state.credentials.put(credential.accessKeyId, credential)] : []),
    ...(policy ? [state.policies.put(policy.id, policy)] : []),
    state.resourceKeys.put(id, key),
  ]
  return { changes, key, secrets: { apiKey: value, hmac: credential && pair } }
}

/** Throws IdentityInvalid, EntityNotFound. */
function existingServiceId({ users }: IamState, accountId: string, crn: string): StoredUser {
  const match = /^crn:v1:bluemix:public:iam-identity::a\/([0-9a-f]{32})::serviceid:(ServiceId-[\w-]+)$/.exec(crn)
  if (!match) throw invalid('serviceid_crn is not the CRN of a service ID')
  const found = match[1] === accountId ? users.get(userKey({ accountId, iamId: `iam-${match[2]}` })) : undefined
  if (!found || !isServiceId(found)) throw notFound('service ID')
  return found
}

/** `Writer`, or the CRN of a role, which the policy's own check looks at. Throws IdentityInvalid. */
function roleCrnOf({ service }: StoredInstance, role: string): string {
  if (role.startsWith('crn:')) return role
  const serviceRole = SERVICE_ROLES[service].find((known) => known === role)
  if (serviceRole) return serviceRoleId(service, serviceRole)
  const platformRole = PLATFORM_ROLES.find((known) => known === role)
  if (platformRole) return platformRoleId(platformRole)
  throw invalid(`role is one of ${SERVICE_ROLES[service].join(', ')}, or the CRN of a role`)
}

/** Undefined when the service id has the same already, from elsewhere: then it does not go with the key. */
function accessPolicy(
  state: IamState,
  { service, guid, accountId }: StoredInstance,
  { iamId }: StoredUser,
  roleCrn: string,
  by: Actor,
): Policy | undefined {
  const draft: PolicyDraft = {
    type: 'access',
    accountId,
    subject: [equal('iam_id', iamId)],
    resource: [equal('accountId', accountId), equal('serviceName', service), equal('serviceInstance', guid)],
    roles: [roleCrn],
  }
  return state.policies.twin(draft) === undefined ? newPolicy(state, draft, by.iamId) : undefined
}

/** The credentials first: without them the rest is harmless. What has been deleted otherwise is no hindrance. */
export function resourceKeyRemoval(
  state: IamState,
  key: StoredResourceKey,
  by: Actor,
  nowMs: number,
): readonly Change[] {
  const { users, apiKeys, apiKeysById, credentials, policies, resourceKeys } = state
  const { id, accountId, iamId, accessKeyId, policyId } = key
  const life = revisedLife(key.life, by, nowMs, 'DELETE')
  const tombstone = resourceKeys.put(id, { ...key, life, removed: { atMs: nowMs, by: by.iamId } })
  const owner = { accountId, iamId }
  if (key.ownsServiceId && users.get(userKey(owner))) return [...userRemoval(state, owner), tombstone]
  const apiKey = apiKeysById.get(key.apiKeyId)
  return [
    ...(apiKey ? [apiKeys.remove(apiKey.hash)] : []),
    ...(accessKeyId !== undefined && credentials.get(accessKeyId) ? [credentials.remove(accessKeyId)] : []),
    ...(policyId !== undefined && policies.get(policyId) ? [policies.remove(policyId)] : []),
    tombstone,
  ]
}

const forgotten = ({ resourceKeys }: IamState, nowMs: number): readonly Change[] =>
  [...resourceKeys.values()]
    .filter(({ removed }) => removed !== undefined && removed.atMs + REMEMBERED_MS <= nowMs)
    .map(({ id }) => resourceKeys.remove(id))

export function resourceKeyCrn({ id, sourceCrn, accountId }: StoredResourceKey): string {
  const { service, region, instance } = parseCrn(sourceCrn)
  return formatCrn({ service, region, account: accountId, instance, resourceType: 'resource-key', resource: id })
}
