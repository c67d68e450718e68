import { CommandFailure, notFound } from './failure.ts'
import { inShell } from './in-shell.ts'
import { listOf, textOf } from './json.ts'
import { keyReference } from './key-face.ts'
import { keyLabel, type RootKey } from './key-protect.ts'
import type { Instance, Server } from './server.ts'

export interface Authorization {
  readonly id: string
  readonly sourceService: string
  /** Empty: every instance of the service. */
  readonly sourceInstance: string
  readonly targetService: string
  readonly targetInstance: string
  /** Of one key; empty: every key of the instance. */
  readonly key: string
  readonly keyRing: string
  readonly roles: readonly string[]
  readonly state: string
  readonly createdAt: string | undefined
}

export async function authorizations(server: Server): Promise<readonly Authorization[]> {
  const { accountId } = await server.identity()
  const answer = await server.control('GET', '/v1/policies', {
    query: { account_id: accountId, type: 'authorization' },
  })
  return listOf(answer, 'policies').map(authorizationOf)
}

export function authorizationOf(policy: unknown): Authorization {
  const [subject] = listOf(policy, 'subjects')
  const [resource] = listOf(policy, 'resources')
  const isKey = attribute(resource, 'resourceType') === 'key'
  return {
    id: textOf(policy, 'id') ?? '',
    sourceService: attribute(subject, 'serviceName'),
    sourceInstance: attribute(subject, 'serviceInstance'),
    targetService: attribute(resource, 'serviceName'),
    targetInstance: attribute(resource, 'serviceInstance'),
    key: isKey ? attribute(resource, 'resource') : '',
    keyRing: attribute(resource, 'keyRing'),
    roles: listOf(policy, 'roles').map((role) => textOf(role, 'role_id')?.split(':').at(-1) ?? ''),
    state: textOf(policy, 'state') ?? '',
    createdAt: textOf(policy, 'created_at'),
  }
}

function attribute(group: unknown, name: string): string {
  const found = listOf(group, 'attributes').find((one) => textOf(one, 'name') === name)
  return textOf(found, 'value') ?? ''
}

/** By name, id or CRN; the only one of its service when none is named. Throws NoSuchInstance. */
export async function instanceOf(
  server: Server,
  service: Instance['service'],
  named: string | undefined,
): Promise<Instance> {
  const all = (await server.instances()).filter((one) => one.service === service)
  const found = all.filter(({ guid, name, crn }) => named === undefined || [guid, name, crn].includes(named))
  const [only, ...more] = found
  if (only && more.length === 0) return only
  const what = service === 'kms' ? 'Key Protect' : 'object storage'
  const names = all.map(({ name }) => name).join(', ') || 'none'
  throw notFound(
    'NoSuchInstance',
    only
      ? `there are several ${what} instances: ${names}`
      : `there is no ${what} instance ${named ?? ''} that you may see (there is ${names})`,
  )
}

/** Whether it lets the objects of the one use the key of the other. */
export const allows = (one: Authorization, source: Instance, key: Pick<RootKey, 'id' | 'instance'>): boolean =>
  one.state === 'active' &&
  one.sourceService === 'cloud-object-storage' &&
  ['', source.guid].includes(one.sourceInstance) &&
  one.targetService === 'kms' &&
  ['', key.instance.guid].includes(one.targetInstance) &&
  ['', key.id].includes(one.key) &&
  one.roles.length > 0

/**
 * S3 says the same of a key that is not there and of one that may not be used. Who may see authorizations is told which.
 * Gives back the error as it was where that is not the reason.
 */
export async function missingAuthorization(server: Server, key: RootKey, error: Error): Promise<Error> {
  if (key.state !== 'active') {
    return new CommandFailure(
      {
        code: 'RootKeyDisabled',
        ending: 'keyUnavailable',
        why: `the root key ${keyLabel(key)} is ${key.state === 'destroyed' ? 'deleted' : key.state}`,
        fixes: [`coffer key ${key.state === 'destroyed' ? 'restore' : 'enable'} ${keyReference(key)}`],
      },
      error,
    )
  }
  const source = await instanceOf(server, 'cloud-object-storage', server.objectStorageCrn).catch(() => undefined)
  const all = source && (await authorizations(server).catch(() => undefined))
  if (!source || !all || all.some((one) => allows(one, source, key))) return error
  return new CommandFailure(
    {
      code: 'AuthorizationMissing',
      ending: 'refused',
      why: `${source.name} isn't authorized to use ${key.instance.name}`,
      fixes: [`coffer authorization create --source ${inShell(source.name)} --target ${inShell(key.instance.name)}`],
    },
    error,
  )
}
