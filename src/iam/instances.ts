import { z } from 'zod'
import { formatCrn } from '../base/crn.ts'
import { CodedError } from '../base/errors.ts'
import { isUuid } from '../base/ids.ts'
import { memoised } from '../base/memo.ts'
import { lifeSchema } from './entity-life.ts'
import type { IamErrorCode } from './errors.ts'
import { conflict, invalid } from './errors.ts'
import { SERVICE_NAMES, type ServiceName } from './principal.ts'
import type { Instance, RemovedInstance, StoredInstance } from './records.ts'
import type { IamState } from './state.ts'
import { type RowCodec, requireReadable } from './table.ts'

export type { Instance } from './records.ts'

export type InstanceDeclaration = Pick<Instance, 'guid' | 'service' | 'region' | 'accountId' | 'name'>

const details = z.strictObject({
  life: lifeSchema,
  planId: z.string(),
  resourceGroupId: z.string(),
  locked: z.boolean(),
  onetimeCredentials: z.boolean(),
  allowCleanup: z.boolean(),
})
const schema = z.strictObject({
  guid: z.string(),
  service: z.enum(SERVICE_NAMES),
  region: z.string(),
  accountId: z.string(),
  name: z.string(),
  sequence: z.number(),
  details: details.optional(),
})
const removedSchema = schema.extend({ details, removedAtMs: z.number(), removedBy: z.string() })

export const instanceCodec: RowCodec<StoredInstance> = {
  encode: ({ crn: _, ...stored }) => stored,
  decode: (stored) => {
    const row = schema.parse(stored)
    return { ...row, crn: instanceCrn(row) }
  },
}

export const removedInstanceCodec: RowCodec<RemovedInstance> = {
  encode: ({ crn: _, ...stored }) => stored,
  decode: (stored) => {
    const row = removedSchema.parse(stored)
    return { ...row, crn: instanceCrn(row) }
  },
}

export function putInstance(state: IamState, declared: InstanceDeclaration): Promise<Instance> {
  const { instances, change } = state
  return change(() => {
    if (!state.accounts.get(declared.accountId)) {
      throw new CodedError<IamErrorCode>('UnknownAccount', `there is no account ${declared.accountId}`)
    }
    const instance = newInstance(declared, nextSequence(state))
    requireReadable(instances, instance.guid)
    const known = findInstance(state, instance.guid)
    if (known && known.crn !== instance.crn) {
      throw conflict(`instance ${instance.guid} exists as ${known.crn}: its service, region and account cannot change`)
    }
    if (known?.name === instance.name) return { changes: [], result: known }
    const { sequence, details } = instances.get(instance.guid) ?? instance
    return { changes: [instances.put(instance.guid, { ...instance, sequence, details })], result: instance }
  })
}

/** Throws IdentityInvalid. */
export function newInstance(declared: InstanceDeclaration, sequence: number): StoredInstance {
  const { service, region, accountId, name } = declared
  const guid = declared.guid.toLowerCase()
  if (!isUuid(guid)) throw invalid(`an instance id is a UUID, not ${guid.slice(0, 64)}`)
  if (service === 'iam') throw invalid('iam has no instances')
  if (service === 'cloud-object-storage' && region !== 'global') throw invalid('object storage instances are global')
  if (!/^[a-z0-9-]{1,32}$/.test(region)) throw invalid(`a region is a name like us-south, not ${region.slice(0, 64)}`)
  const instance = { guid, service, region, accountId, name, sequence }
  return { ...instance, crn: instanceCrn(instance) }
}

const instanceCrn = (instance: Omit<InstanceDeclaration, 'name'>): string =>
  formatCrn({
    service: instance.service,
    region: instance.region,
    account: instance.accountId,
    instance: instance.guid,
  })

export const nextSequence = ({ instances }: IamState): number =>
  Math.max(0, ...Array.from(instances.values(), ({ sequence }) => sequence)) + 1

/** By GUID or by CRN. A CRN must agree in every segment and name the instance itself. */
export function findInstance(state: IamState, crnOrGuid: string): Instance | undefined {
  const isCrn = crnOrGuid.startsWith('crn:')
  const guid = isCrn ? guidIn(crnOrGuid) : crnOrGuid.toLowerCase()
  const instance = state.instances.get(guid) ?? state.systemInstances.get(guid)
  if (!isCrn || instance?.crn === crnOrGuid) return instance
  return instance?.crn.toLowerCase() === crnOrGuid.toLowerCase() ? instance : undefined
}

/** Asked for several times with every request. */
const guidIn = memoised((crn) => crn.split(':')[7]?.toLowerCase() ?? '')

export interface InstanceFilter {
  readonly service?: ServiceName
  readonly accountId?: string
}

export function listInstances(
  { instances }: IamState,
  { service, accountId }: InstanceFilter = {},
): readonly Instance[] {
  return [...instances.values()]
    .filter(
      (one) =>
        (service === undefined || one.service === service) && (accountId === undefined || one.accountId === accountId),
    )
    .sort((a, b) => a.sequence - b.sequence)
}

/** Asked for with every request that an HMAC credential signs, so remembered until instances change. */
export function firstObjectStorage(state: IamState, accountId: string): Instance | undefined {
  const known = state.firstObjectStorage.get(accountId)
  if (known) return known
  let first: StoredInstance | undefined
  for (const one of state.instances.values()) {
    const candidate = one.accountId === accountId && one.service === 'cloud-object-storage'
    if (candidate && (first === undefined || one.sequence < first.sequence)) first = one
  }
  if (first) state.firstObjectStorage.set(accountId, first)
  return first
}
