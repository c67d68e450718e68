import type { Clock } from '../base/clock.ts'
import { newUuid } from '../base/ids.ts'
import type { ApiKeyDraft, CreatedApiKey } from './api-key-management.ts'
import { apiKeyFrom, checkedText } from './api-key-management.ts'
import { declaredLife, newLife, notFound, requireRevision, requireUnlocked, revisedLife } from './entity-life.ts'
import { unknownAccount } from './errors.ts'
import { userKey } from './keyspace.ts'
import type { Actor, EntityLife, Roles, StoredUser, UserId } from './records.ts'
import type { IamState } from './state.ts'
import { isServiceId, newUser, userRemoval } from './users.ts'

/** An identity of an application: it is a user for every decision, but nobody's. */
export interface ServiceId extends UserId {
  /** `ServiceId-<uuid>`; its IAM id has `iam-` before it. */
  readonly id: string
  readonly name: string
  readonly description?: string | undefined
  readonly uniqueInstanceCrns?: readonly string[] | undefined
  readonly locked: boolean
  readonly life: EntityLife
}

export interface ServiceIdDraft {
  readonly accountId: string
  readonly name: string
  readonly description?: string | undefined
  readonly uniqueInstanceCrns?: readonly string[] | undefined
  readonly locked?: boolean
  readonly apiKey?: Omit<ApiKeyDraft, 'owner'> | undefined
}

/** `''` and an empty list remove what there was. */
export type ServiceIdPatch = Partial<Pick<ServiceIdDraft, 'name' | 'description' | 'uniqueInstanceCrns'>>

/** Each throws EntityNotFound for one that is not there; changes also EntityLocked and, with `revision`, EntityConflict. */
export interface ServiceIds {
  /** Throws UnknownAccount, IdentityInvalid, IdentityConflict. With its API key, if one is asked for, or not at all. */
  readonly create: (
    draft: ServiceIdDraft,
    by: Actor,
  ) => Promise<{ readonly serviceId: ServiceId; readonly apiKey?: CreatedApiKey }>
  readonly get: (accountId: string, id: string) => ServiceId
  readonly list: (accountId: string) => readonly ServiceId[]
  readonly update: (
    accountId: string,
    id: string,
    patch: ServiceIdPatch,
    by: Actor,
    revision?: number,
  ) => Promise<ServiceId>
  readonly setLocked: (accountId: string, id: string, locked: boolean, by: Actor) => Promise<ServiceId>
  /** With its API keys and HMAC credentials; its tokens are refused at once. */
  readonly delete: (accountId: string, id: string) => Promise<void>
}

export function createServiceIds(state: IamState, clock: Clock): ServiceIds {
  const { users, change } = state
  const find = (accountId: string, id: string): StoredUser => {
    const found = users.get(userKey({ accountId, iamId: `iam-${id}` }))
    if (!found || !isServiceId(found)) throw notFound('service ID')
    return found
  }
  const revise = (found: StoredUser, by: Actor, action: string, params: readonly string[] = []): EntityLife =>
    revisedLife(found.life ?? declaredLife(found.iamId), by, clock.now(), action, params)
  const store = (row: StoredUser) => ({ changes: [users.put(userKey(row), row)], result: serviceIdOf(row) })

  return {
    create: (draft, by) =>
      change(() => {
        const user = newServiceId(state, draft, newLife(by, clock.now(), 'CREATE'))
        const key = draft.apiKey && apiKeyFrom(state, { ...draft.apiKey, owner: user }, by, clock.now())
        const changes = [
          users.put(userKey(user), user),
          ...(key ? [state.apiKeys.put(key.apiKey.hash, key.apiKey)] : []),
        ]
        return { changes, result: { serviceId: serviceIdOf(user), ...(key ? { apiKey: key } : {}) } }
      }),
    get: (accountId, id) => serviceIdOf(find(accountId, id)),
    list: (accountId) =>
      [...users.values()].filter((user) => user.accountId === accountId && isServiceId(user)).map(serviceIdOf),
    update: (accountId, id, patch, by, revision) =>
      change(() => {
        const found = find(accountId, id)
        requireRevision(serviceIdOf(found).life, revision)
        requireUnlocked(serviceIdOf(found))
        const name = patch.name === undefined ? found.name : checkedText('name', patch.name, 256, 1)
        const serviceId = { locked: false, ...found.serviceId, ...details(patch) }
        return store({ ...found, name, serviceId, life: revise(found, by, 'UPDATE', Object.keys(patch)) })
      }),
    setLocked: (accountId, id, locked, by) =>
      change(() => {
        const found = find(accountId, id)
        if (serviceIdOf(found).locked === locked) return { changes: [], result: serviceIdOf(found) }
        const serviceId = { ...found.serviceId, locked }
        return store({ ...found, serviceId, life: revise(found, by, locked ? 'LOCK' : 'UNLOCK') })
      }),
    delete: (accountId, id) =>
      change(() => {
        const found = find(accountId, id)
        requireUnlocked(serviceIdOf(found))
        for (const key of state.apiKeys.values()) if (userKey(key) === userKey(found)) requireUnlocked(key)
        return { changes: userRemoval(state, found), result: undefined }
      }),
  }
}

/** Throws UnknownAccount, IdentityInvalid. */
export function newServiceId(
  { accounts }: IamState,
  draft: Omit<ServiceIdDraft, 'apiKey'>,
  life: EntityLife,
  roles: Roles = {},
): StoredUser {
  const { accountId, locked = false } = draft
  if (!accounts.get(accountId)) throw unknownAccount(accountId)
  const name = checkedText('name', draft.name, 256, 1)
  const user = newUser({ accountId, iamId: `iam-ServiceId-${newUuid()}`, name, email: '', roles })
  return { ...user, life, serviceId: { locked, ...details(draft) } }
}

function details({ description, uniqueInstanceCrns }: ServiceIdPatch) {
  return {
    ...(description === undefined ? {} : { description: checkedText('description', description, 1024) || undefined }),
    ...(uniqueInstanceCrns === undefined ? {} : { uniqueInstanceCrns }),
  }
}

function serviceIdOf({ accountId, iamId, name, life, serviceId }: StoredUser): ServiceId {
  return {
    id: iamId.slice('iam-'.length),
    accountId,
    iamId,
    name,
    description: serviceId?.description,
    uniqueInstanceCrns: serviceId?.uniqueInstanceCrns,
    locked: serviceId?.locked ?? false,
    life: life ?? declaredLife(iamId),
  }
}
