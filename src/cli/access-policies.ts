import type { OptionSpec } from './described.ts'
import { usage } from './failure.ts'
import { listOf, textOf } from './json.ts'
import { findKey } from './key-protect.ts'
import { readBucket } from './s3/references.ts'
import type { Server } from './server.ts'

export interface AccessPolicy {
  readonly id: string
  readonly iamId: string
  readonly roles: readonly string[]
  /** `cloud-object-storage bucket logs` */
  readonly on: string
  readonly state: string
  readonly createdAt: string | undefined
}

export function accessPolicyOf(policy: unknown): AccessPolicy {
  const resource = listOf(policy, 'resource', 'attributes').filter((one) => textOf(one, 'key') !== 'accountId')
  const iamId = listOf(policy, 'subject', 'attributes').find((one) => textOf(one, 'key') === 'iam_id')
  const valueAt = (key: string): string =>
    textOf(
      resource.find((one) => textOf(one, 'key') === key),
      'value',
    ) ?? ''
  const rest = resource.filter((one) => !['serviceName', 'resourceType', 'resource'].includes(textOf(one, 'key') ?? ''))
  return {
    id: textOf(policy, 'id') ?? '',
    iamId: textOf(iamId, 'value') ?? '',
    roles: listOf(policy, 'control', 'grant', 'roles').map((role) => textOf(role, 'role_id')?.split(':').at(-1) ?? ''),
    on: [
      valueAt('serviceName') || 'every service',
      valueAt('resourceType'),
      valueAt('resource'),
      ...rest.map((one) => `${textOf(one, 'key')} ${textOf(one, 'value') ?? ''}`),
    ]
      .filter(Boolean)
      .join(' '),
    state: textOf(policy, 'state') ?? '',
    createdAt: textOf(policy, 'created_at'),
  }
}

export async function accessPolicies(server: Server, iamId?: string): Promise<readonly AccessPolicy[]> {
  const { accountId } = await server.identity()
  const query = { account_id: accountId, type: 'access', iam_id: iamId }
  return listOf(await server.control('GET', '/v2/policies', { query }), 'policies').map(accessPolicyOf)
}

export const SERVICE_ROLES = ['Reader', 'Writer', 'Manager', 'ContentReader', 'ObjectReader', 'ObjectWriter'] as const
export const PLATFORM_ROLES = ['Viewer', 'Operator', 'Editor', 'Administrator'] as const
const SERVICES: Readonly<Record<string, string>> = { storage: 'cloud-object-storage', keys: 'kms', account: 'iam' }

/** What a right is on. */
export const TARGET_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  bucket: { value: 'bucket', help: 'this bucket; a * stands for any letters', kind: 'bucket' },
  key: { value: 'key', help: 'this root key', kind: 'key' },
  service: { value: 'service', help: 'all of it; storage by default', choices: Object.keys(SERVICES) },
}

export const roleId = (role: string): string => {
  const known: readonly string[] = [...SERVICE_ROLES, ...PLATFORM_ROLES]
  if (!known.includes(role)) throw usage(`${role} is no role: ${known.join(', ')}`)
  const isPlatform = PLATFORM_ROLES.some((one) => one === role)
  return `crn:v1:bluemix:public:iam::::${isPlatform ? 'role' : 'serviceRole'}:${role}`
}

interface Targets {
  readonly bucket: string | undefined
  readonly key: string | undefined
  readonly service: string | undefined
}

/** As attributes of a policy. Throws Usage. */
export async function targetAttributes(server: Server, { bucket, key, service }: Targets): Promise<readonly object[]> {
  if ([bucket, key, service].filter((one) => one !== undefined).length > 1)
    throw usage('give one of --bucket, --key and --service')
  const equal = (name: string, value: string) => ({
    key: name,
    operator: value.includes('*') ? 'stringMatch' : 'stringEquals',
    value,
  })
  if (key !== undefined) {
    const found = await findKey(server, key)
    return [
      equal('serviceName', 'kms'),
      equal('serviceInstance', found.instance.guid),
      equal('resourceType', 'key'),
      equal('resource', found.id),
    ]
  }
  if (bucket !== undefined) {
    return [
      equal('serviceName', 'cloud-object-storage'),
      equal('resourceType', 'bucket'),
      equal('resource', readBucket(bucket)),
    ]
  }
  return [equal('serviceName', SERVICES[service ?? 'storage'] ?? 'cloud-object-storage')]
}

/** What gives somebody a role, and the policy that does. What is wrong with role and target is found before. Throws Usage. */
export async function granting(
  server: Server,
  role: string,
  targets: Targets,
): Promise<(iamId: string) => Promise<AccessPolicy>> {
  const control = { grant: { roles: [{ role_id: roleId(role) }] } }
  const resource = { attributes: await targetAttributes(server, targets) }
  return async (iamId) => {
    const subject = { attributes: [{ key: 'iam_id', operator: 'stringEquals', value: iamId }] }
    const json = { type: 'access', subject, control, resource }
    return accessPolicyOf(await server.control('POST', '/v2/policies', { json }))
  }
}
