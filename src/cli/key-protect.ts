import { isUuid } from '../base/ids.ts'
import { CommandFailure, notFound, usage } from './failure.ts'
import { isTrue, listOf, member, numberOf, textOf } from './json.ts'
import type { ControlCall, Instance, Server } from './server.ts'

export interface RootKey {
  readonly id: string
  readonly crn: string
  readonly name: string
  readonly aliases: readonly string[]
  readonly state: KeyStateName
  readonly isRootKey: boolean
  readonly imported: boolean
  readonly deleted: boolean
  readonly instance: Instance
  readonly createdAt: string | undefined
  readonly rotatedAt: string | undefined
  readonly expiresAt: string | undefined
  readonly description: string | undefined
  readonly keyRing: string | undefined
  readonly versionId: string | undefined
  /** Months between two rotations. */
  readonly rotateMonths: number | undefined
  readonly dualAuth: boolean
  readonly restoreUntil: string | undefined
}

const STATES = { 0: 'preactive', 1: 'active', 2: 'disabled', 3: 'deactivated', 5: 'destroyed' } as const
export type KeyStateName = (typeof STATES)[keyof typeof STATES] | 'unknown'

export const KEY_TYPE = 'application/vnd.ibm.kms.key+json'

/** What a person calls it: its first alias, else its name. */
export const keyLabel = ({ aliases, name, id }: Pick<RootKey, 'aliases' | 'name' | 'id'>): string =>
  aliases[0] ?? (name || id)

/** A call of Key Protect in that instance. */
export const inInstance = (instance: Instance, call: ControlCall = {}): ControlCall => ({
  ...call,
  headers: { 'bluemix-instance': instance.guid, prefer: 'return=representation', ...call.headers },
})

/** The body of what makes something of this type. */
export const collectionOf = (type: string, resource: object): object => ({
  metadata: { collectionType: type, collectionTotal: 1 },
  resources: [{ type, ...resource }],
})

export function rootKeyOf(resource: unknown, instance: Instance): RootKey {
  const state =
    Object.entries(STATES).find(([number]) => Number(number) === numberOf(resource, 'state'))?.[1] ?? 'unknown'
  return {
    id: textOf(resource, 'id') ?? '',
    crn: textOf(resource, 'crn') ?? '',
    name: textOf(resource, 'name') ?? '',
    aliases: listOf(resource, 'aliases').filter((one) => typeof one === 'string'),
    state,
    isRootKey: member(resource, 'extractable') === false,
    imported: isTrue(resource, 'imported'),
    deleted: isTrue(resource, 'deleted'),
    instance,
    createdAt: textOf(resource, 'creationDate'),
    rotatedAt: textOf(resource, 'lastRotateDate'),
    expiresAt: textOf(resource, 'expirationDate'),
    description: textOf(resource, 'description'),
    keyRing: textOf(resource, 'keyRingID'),
    versionId: textOf(resource, 'keyVersion', 'id'),
    rotateMonths: isTrue(resource, 'rotation', 'enabled')
      ? numberOf(resource, 'rotation', 'interval_month')
      : undefined,
    dualAuth: isTrue(resource, 'dualAuthDelete', 'enabled'),
    restoreUntil: textOf(resource, 'restoreExpirationDate'),
  }
}

export const keyInstances = async (server: Server): Promise<readonly Instance[]> =>
  (await server.instances()).filter(({ service }) => service === 'kms')

/** By name or id; else the one that the environment names, else the only one. Throws NoSuchInstance, Usage. */
export async function keyInstance(server: Server, named?: string): Promise<Instance> {
  const all = await keyInstances(server)
  const wanted = named ?? server.keyProtectInstance
  if (wanted !== undefined) {
    const found = all.find(({ guid, name, crn }) => wanted === guid || wanted === name || wanted === crn)
    if (!found) {
      const names = all.map(({ name }) => name).join(', ') || 'none'
      throw notFound('NoSuchInstance', `there is no Key Protect instance ${wanted} in this account (there is ${names})`)
    }
    return found
  }
  const [only, ...more] = all
  if (!only) throw notFound('NoSuchInstance', 'the account has no Key Protect instance that you may see')
  if (more.length > 0)
    throw usage(
      `there are several Key Protect instances: ${all.map(({ name }) => name).join(', ')}`,
      'add --instance NAME, or name the key as instance/alias',
    )
  return only
}

interface Reference {
  readonly instance: string | undefined
  readonly key: string
}

/** `alias`, `instance/alias`, an id, or a CRN. */
function referenceOf(text: string): Reference {
  if (!text.startsWith('crn:')) {
    const [first = '', ...rest] = text.split('/')
    return rest.length === 0 ? { instance: undefined, key: text } : { instance: first, key: rest.join('/') }
  }
  const [, , , , , , , instance = '', type, ...resource] = text.split(':')
  if (type !== 'key') throw usage(`${text} is the CRN of no key`)
  return { instance, key: resource.join(':') }
}

/** The key that is meant: by id or alias, else by a name that only one has. Throws NoSuchKey, Usage. */
export async function findKey(server: Server, text: string, instanceName?: string): Promise<RootKey> {
  const reference = referenceOf(text)
  const named = reference.instance ?? instanceName
  const instances = named === undefined ? await searched(server) : [await keyInstance(server, named)]
  const found: RootKey[] = []
  for (const instance of instances) {
    const key = await keyIn(server, instance, reference.key)
    if (key) found.push(key)
  }
  const [key, ...more] = found
  if (!key) {
    const where = named === undefined ? '' : ` in ${named}`
    throw notFound('NoSuchKey', `there is no key ${reference.key}${where} that you may see`, 'coffer key ls')
  }
  if (more.length > 0) {
    throw usage(
      `${text} is in several instances: ${found.map(({ instance }) => `${instance.name}/${text}`).join(', ')}`,
    )
  }
  return key
}

const searched = async (server: Server): Promise<readonly Instance[]> =>
  server.keyProtectInstance === undefined ? keyInstances(server) : [await keyInstance(server)]

async function keyIn(server: Server, instance: Instance, key: string): Promise<RootKey | undefined> {
  try {
    const answer = await server.control('GET', `/api/v2/keys/${encodeURIComponent(key)}/metadata`, inInstance(instance))
    return rootKeyOf(listOf(answer, 'resources')[0], instance)
  } catch (error) {
    if (!(error instanceof CommandFailure) || !['notFound', 'failed'].includes(error.failure.ending)) throw error
    return isUuid(key) ? undefined : keyOfName(server, instance, key)
  }
}

async function keyOfName(server: Server, instance: Instance, name: string): Promise<RootKey | undefined> {
  const keys = (await keysOf(server, instance, ALL_STATES)).filter((key) => key.name === name)
  const alive = keys.filter(({ state }) => state !== 'destroyed')
  const meant = alive.length > 0 ? alive : keys
  if (meant.length > 1)
    throw usage(
      `${meant.length} keys in ${instance.name} are called ${name}; give an id: ${meant.map(({ id }) => id).join(', ')}`,
    )
  return meant[0]
}

export const ALL_STATES = '0,1,2,3,5'
const PAGE = 1000

export async function keysOf(server: Server, instance: Instance, states?: string): Promise<readonly RootKey[]> {
  const keys: RootKey[] = []
  for (;;) {
    const query = { limit: PAGE, offset: keys.length, state: states }
    const page = listOf(await server.control('GET', '/api/v2/keys', inInstance(instance, { query })), 'resources')
    keys.push(...page.map((resource) => rootKeyOf(resource, instance)))
    if (page.length < PAGE) return keys
  }
}

export interface Registration {
  readonly bucket: string
  readonly resourceCrn: string
  readonly preventsDeletion: boolean
  readonly versionId: string | undefined
  readonly createdAt: string | undefined
}

/** Buckets that are registered at a key. */
export async function registrationsOf(server: Server, { id, instance }: RootKey): Promise<readonly Registration[]> {
  const answer = await server.control(
    'GET',
    `/api/v2/keys/${id}/registrations`,
    inInstance(instance, { query: { limit: 5000 } }),
  )
  return listOf(answer, 'resources').map((one) => ({
    bucket: textOf(one, 'resourceCrn')?.split(':').slice(9).join(':') ?? '',
    resourceCrn: textOf(one, 'resourceCrn') ?? '',
    preventsDeletion: isTrue(one, 'preventKeyDeletion'),
    versionId: textOf(one, 'keyVersion', 'id'),
    createdAt: textOf(one, 'creationDate'),
  }))
}
