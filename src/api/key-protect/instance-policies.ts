import { invalidField } from '../../kms/errors.ts'
import type { InstancePolicies } from '../../kms/instance-book.ts'
import {
  INSTANCE_POLICY_TYPES,
  type InstancePolicyType,
  isInstancePolicyType,
  type NewInstancePolicy,
  type PolicyAttributes,
} from '../../kms/instance-policies.ts'
import type { InstancePolicyResource } from './bodies.ts'
import { wireTime } from './envelope.ts'
import { protocolError } from './errors.ts'
import { bodyQueryMismatch, notOnePolicy, policyNameQuery } from './key-policies.ts'
import type { InstancePolicyAnswer } from './reply-schemas.ts'

export const instancePolicyQuery = (query: ReadonlyMap<string, string>): InstancePolicyType | undefined =>
  policyNameQuery(query, INSTANCE_POLICY_TYPES)

/** Throws BodyQueryMismatch, BodyAmbiguous, CollectionNotOne, InvalidField. */
export function wantedInstancePolicies(
  resources: readonly InstancePolicyResource[],
  only: InstancePolicyType | undefined,
): NewInstancePolicy[] {
  if (only) {
    const [first, ...more] = resources
    if (!first || more.length > 0) throw notOnePolicy()
    if (first.policy_type !== only) throw bodyQueryMismatch()
  }
  const types = resources.map(({ policy_type }) => policy_type)
  if (types.length === 0 || new Set(types).size < types.length) {
    throw protocolError('BodyAmbiguous', 'one of each policy is expected')
  }
  return resources.map(({ policy_type: type, policy_data: { enabled, attributes } }) => {
    if (!isInstancePolicyType(type)) throw invalidField('policy_type', `one of ${INSTANCE_POLICY_TYPES.join(', ')}`)
    return { type, enabled, ...(attributes ? { attributes: attributesOf(attributes) } : {}) }
  })
}

type WireAttributes = NonNullable<InstancePolicyResource['policy_data']['attributes']>

function attributesOf(wire: WireAttributes): PolicyAttributes {
  const { allowed_network: allowedNetwork, allowed_ip: allowedIp, interval_month: intervalMonths } = wire
  if (allowedNetwork !== undefined && allowedNetwork !== 'public-and-private' && allowedNetwork !== 'private-only') {
    throw invalidField('allowed_network', 'public-and-private or private-only')
  }
  return {
    ...(allowedNetwork === undefined ? {} : { allowedNetwork }),
    ...(allowedIp === undefined ? {} : { allowedIp }),
    ...(wire.create_root_key === undefined ? {} : { createRootKey: wire.create_root_key }),
    ...(wire.create_standard_key === undefined ? {} : { createStandardKey: wire.create_standard_key }),
    ...(wire.import_root_key === undefined ? {} : { importRootKey: wire.import_root_key }),
    ...(wire.import_standard_key === undefined ? {} : { importStandardKey: wire.import_standard_key }),
    ...(wire.enforce_token === undefined ? {} : { enforceToken: wire.enforce_token }),
    ...(intervalMonths === undefined ? {} : { intervalMonths }),
  }
}

export function instancePolicyResources(
  policies: InstancePolicies,
  only: InstancePolicyType | undefined,
): InstancePolicyAnswer[] {
  return INSTANCE_POLICY_TYPES.flatMap((type) => {
    const policy = policies[type]
    if (!policy || (only && only !== type)) return []
    const { enabled, attributes, createdAt, createdBy, updatedAt, updatedBy } = policy
    return {
      creationDate: wireTime(createdAt),
      createdBy,
      updatedBy,
      lastUpdated: wireTime(updatedAt),
      policy_type: type,
      policy_data: { enabled, ...(attributes && { attributes: wireAttributes(attributes) }) },
    }
  })
}

// JSON leaves out what is undefined.
const wireAttributes = (attributes: PolicyAttributes): InstancePolicyAnswer['policy_data']['attributes'] => ({
  allowed_network: attributes.allowedNetwork,
  allowed_ip: attributes.allowedIp,
  create_root_key: attributes.createRootKey,
  create_standard_key: attributes.createStandardKey,
  import_root_key: attributes.importRootKey,
  import_standard_key: attributes.importStandardKey,
  enforce_token: attributes.enforceToken,
  interval_month: attributes.intervalMonths,
})
