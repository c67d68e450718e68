import type { Clock } from '../base/clock.ts'
import { CodedError } from '../base/errors.ts'
import { newUuid } from '../base/ids.ts'
import { declaredLife, gone, newLife, notFound, requireUnlocked, revisedLife } from './entity-life.ts'
import { type IamErrorCode, invalid, unknownAccount } from './errors.ts'
import { findInstance, newInstance, nextSequence } from './instances.ts'
import type { Actor, InstanceDetails, RemovedInstance, StoredInstance } from './records.ts'
import { resourceKeyRemoval } from './resource-keys.ts'
import { checkedName } from './resource-name.ts'
import { defaultPlanId, findPlan } from './service-plans.ts'
import type { IamState } from './state.ts'
import type { Change } from './table.ts'

/** An instance as the resource controller tells of it. */
export interface ResourceInstance extends StoredInstance {
  readonly details: InstanceDetails
  readonly removedAtMs?: number
  readonly removedBy?: string
}

export interface ResourceInstanceDraft {
  readonly accountId: string
  readonly name: string
  /** A region, or `global`. */
  readonly target: string
  /** Id or name: says which service it is. */
  readonly plan: string
  readonly resourceGroupId: string
  readonly onetimeCredentials?: boolean | undefined
  readonly allowCleanup?: boolean | undefined
  readonly locked?: boolean
}

export interface ResourceInstancePatch {
  readonly name?: string | undefined
  readonly plan?: string | undefined
  readonly onetimeCredentials?: boolean | undefined
  readonly allowCleanup?: boolean | undefined
}

/** Does the instance hold something that would be lost to everybody with it? */
export type InUse = (instance: StoredInstance) => boolean

/** Ids are GUIDs or CRNs. Each throws EntityNotFound; changes also EntityLocked, and EntityGone for a deleted one. */
export interface ResourceInstances {
  /** Throws IdentityInvalid, UnknownAccount. */
  readonly create: (draft: ResourceInstanceDraft, by: Actor) => Promise<ResourceInstance>
  /** Deleted ones too, for a while. */
  readonly get: (accountId: string, id: string) => ResourceInstance
  /** In order of creation. */
  readonly list: (accountId: string, state: 'active' | 'removed') => readonly ResourceInstance[]
  readonly update: (accountId: string, id: string, patch: ResourceInstancePatch, by: Actor) => Promise<ResourceInstance>
  readonly setLocked: (accountId: string, id: string, locked: boolean, by: Actor) => Promise<ResourceInstance>
  /** `recursive`: with its resource keys. Throws InstanceInUse. */
  readonly remove: (accountId: string, id: string, recursive: boolean, by: Actor, inUse: InUse) => Promise<void>
}

/** A deleted instance is told of that long. */
const REMEMBERED_MS = 7 * 86_400_000

export function createResourceInstances(state: IamState, clock: Clock): ResourceInstances {
  const { accounts, instances, removedInstances, change } = state

  const find = (accountId: string, id: string): ResourceInstance => {
    const found = findInstance(state, id)
    const active = found && instances.get(found.guid)
    const known = active ? detailed(active) : findRemoved(state, id)
    if (known?.accountId !== accountId) throw notFound('instance')
    return known
  }
  const findActive = (accountId: string, id: string): ResourceInstance => {
    const found = find(accountId, id)
    if (found.removedAtMs !== undefined) throw gone('instance')
    return found
  }
  const findUnlocked = (accountId: string, id: string): ResourceInstance => {
    const found = findActive(accountId, id)
    requireUnlocked(found.details)
    return found
  }
  const store = (instance: ResourceInstance) => ({
    changes: [instances.put(instance.guid, instance)],
    result: instance,
  })

  return {
    create: (draft, by) =>
      change(() => {
        if (!accounts.get(draft.accountId)) throw unknownAccount(draft.accountId)
        const plan = findPlan(draft.plan)
        if (!plan) throw invalid('resource_plan_id is no plan of object storage or Key Protect')
        const { service } = plan.entry
        const region = draft.target.replace(/^bluemix-/, '')
        if (service === 'kms' && region === 'global') throw invalid('a Key Protect instance is in a region')
        const declared = { guid: newUuid(), service, region, accountId: draft.accountId, name: checkedName(draft.name) }
        return store({
          ...newInstance(declared, nextSequence(state)),
          details: {
            life: newLife(by, clock.now(), 'CREATE'),
            planId: plan.id,
            resourceGroupId: draft.resourceGroupId,
            locked: draft.locked ?? false,
            onetimeCredentials: draft.onetimeCredentials ?? false,
            allowCleanup: draft.allowCleanup ?? false,
          },
        })
      }),
    get: find,
    list: (accountId, wanted) =>
      (wanted === 'active' ? Array.from(instances.values(), detailed) : [...removedInstances.values()])
        .filter((one) => one.accountId === accountId)
        .sort((one, other) => one.sequence - other.sequence),
    update: (accountId, id, patch, by) =>
      change(() => {
        const found = findUnlocked(accountId, id)
        const life = revisedLife(found.details.life, by, clock.now(), 'UPDATE', Object.keys(patch))
        const name = patch.name === undefined ? found.name : checkedName(patch.name)
        return store({ ...found, name, details: { ...found.details, ...patchedDetails(found, patch), life } })
      }),
    setLocked: (accountId, id, locked, by) =>
      change(() => {
        const found = findActive(accountId, id)
        if (found.details.locked === locked) return { changes: [], result: found }
        const life = revisedLife(found.details.life, by, clock.now(), locked ? 'LOCK' : 'UNLOCK')
        return store({ ...found, details: { ...found.details, locked, life } })
      }),
    remove: (accountId, id, recursive, by, inUse) =>
      change(() => {
        const found = findUnlocked(accountId, id)
        const keys = [...state.resourceKeys.values()].filter((key) => key.sourceGuid === found.guid && !key.removed)
        if (keys.length > 0 && !recursive) throw inUseError('the instance has resource keys')
        if (inUse(found)) throw inUseError('the instance holds buckets or keys')
        const now = clock.now()
        const life = revisedLife(found.details.life, by, now, 'DELETE')
        const removed = { ...found, details: { ...found.details, life }, removedAtMs: now, removedBy: by.iamId }
        return {
          changes: [
            instances.remove(found.guid),
            removedInstances.put(found.guid, removed),
            ...keys.flatMap((key) => resourceKeyRemoval(state, key, by, now)),
            ...forgotten(state, now),
          ],
          result: undefined,
        }
      }),
  }
}

/** What nobody asked an API for has the plainest of everything. */
function detailed(instance: StoredInstance): ResourceInstance {
  const { service, accountId, details } = instance
  return {
    ...instance,
    details: details ?? {
      life: declaredLife(''),
      planId: defaultPlanId(service),
      resourceGroupId: accountId,
      locked: false,
      onetimeCredentials: false,
      allowCleanup: false,
    },
  }
}

function findRemoved({ removedInstances }: IamState, id: string): RemovedInstance | undefined {
  const guid = (id.startsWith('crn:') ? id.split(':')[7] : id)?.toLowerCase() ?? ''
  const found = removedInstances.get(guid)
  return id.startsWith('crn:') && found?.crn.toLowerCase() !== id.toLowerCase() ? undefined : found
}

/** Throws IdentityInvalid. */
function patchedDetails({ service }: ResourceInstance, patch: ResourceInstancePatch): Partial<InstanceDetails> {
  const plan = patch.plan === undefined ? undefined : findPlan(patch.plan)
  if (patch.plan !== undefined && plan?.entry.service !== service) throw invalid(`not a plan of ${service}`)
  return {
    ...(plan === undefined ? {} : { planId: plan.id }),
    ...(patch.onetimeCredentials === undefined ? {} : { onetimeCredentials: patch.onetimeCredentials }),
    ...(patch.allowCleanup === undefined ? {} : { allowCleanup: patch.allowCleanup }),
  }
}

const forgotten = ({ removedInstances }: IamState, nowMs: number): readonly Change[] =>
  [...removedInstances.values()]
    .filter(({ removedAtMs }) => removedAtMs + REMEMBERED_MS <= nowMs)
    .map(({ guid }) => removedInstances.remove(guid))

const inUseError = (message: string): CodedError<IamErrorCode> => new CodedError('InstanceInUse', message)
