import type { NewKeyPolicies } from '../../kms/new-key-policies.ts'
import type { KeyPoliciesView } from '../../kms/policy-calls.ts'
import { assertType, type KeyPolicyResource } from './bodies.ts'
import { mediaType, wireTime } from './envelope.ts'
import { protocolError } from './errors.ts'
import { rotationMembers } from './key-resource.ts'
import type { KeyPolicyAnswer } from './reply-schemas.ts'

const KEY_POLICIES = ['rotation', 'dualAuthDelete'] as const
export type KeyPolicyName = (typeof KEY_POLICIES)[number]

/** Of `?policy=`; undefined for all. Throws InvalidQuery. */
export function policyNameQuery<Name extends string>(
  query: ReadonlyMap<string, string>,
  names: readonly Name[],
): Name | undefined {
  const text = query.get('policy')
  if (text === undefined || text === '') return undefined
  const name = names.find((known) => known === text)
  if (!name) {
    throw protocolError('InvalidQuery', `the query parameter policy takes ${names.join(', ')}`, { field: 'policy' })
  }
  return name
}

export const keyPolicyQuery = (query: ReadonlyMap<string, string>): KeyPolicyName | undefined =>
  policyNameQuery(query, KEY_POLICIES)

export function wantedPolicies({ rotation, dualAuthDelete }: Omit<KeyPolicyResource, 'type'>): NewKeyPolicies {
  const { enabled = true, interval_month: intervalMonths } = rotation ?? {}
  return {
    ...(rotation ? { rotation: { enabled, ...(intervalMonths === undefined ? {} : { intervalMonths }) } } : {}),
    ...(dualAuthDelete ? { dualAuthDelete } : {}),
  }
}

/** What the resources ask for together. Throws BodyQueryMismatch, BodyAmbiguous, CollectionNotOne, InvalidField. */
export function mergedPolicies(
  resources: readonly KeyPolicyResource[],
  only: KeyPolicyName | undefined,
): NewKeyPolicies {
  const named = resources.flatMap((resource) => {
    assertType(resource, 'policy')
    const names = KEY_POLICIES.filter((name) => resource[name])
    if (names.length === 0) throw protocolError('BodyAmbiguous', 'a resource without a policy')
    return names
  })
  if (only) assertOnly(resources.length, named, only)
  if (named.length === 0 || new Set(named).size < named.length) {
    throw protocolError('BodyAmbiguous', 'one of each policy is expected')
  }
  const all: NewKeyPolicies = Object.assign({}, ...resources.map(wantedPolicies))
  return all
}

function assertOnly(resources: number, named: readonly KeyPolicyName[], only: KeyPolicyName): void {
  if (resources !== 1) throw notOnePolicy()
  if (named.some((name) => name !== only)) throw bodyQueryMismatch()
}

export const notOnePolicy = () =>
  protocolError(
    'CollectionNotOne',
    'Only a single policy may be created per query parameter. Please pass single resource object',
  )

export const bodyQueryMismatch = () =>
  protocolError('BodyQueryMismatch', 'Data in body does not match data required by query parameter')

export function policyResources(view: KeyPoliciesView, only: KeyPolicyName | undefined): KeyPolicyAnswer[] {
  const { rotation, dualAuthDelete } = view
  return [
    ...(dualAuthDelete && only !== 'rotation'
      ? [{ ...policyFacts(dualAuthDelete), dualAuthDelete: { enabled: dualAuthDelete.enabled } }]
      : []),
    ...(rotation && only !== 'dualAuthDelete'
      ? [{ ...policyFacts(rotation), rotation: rotationMembers(rotation) }]
      : []),
  ]
}

type Policy = NonNullable<KeyPoliciesView[KeyPolicyName]>

const policyFacts = ({ id, crn, createdAt, createdBy, updatedAt, updatedBy }: Policy): KeyPolicyAnswer => ({
  type: mediaType('policy'),
  id,
  crn,
  createdBy,
  creationDate: wireTime(createdAt),
  updatedBy,
  lastUpdateDate: wireTime(updatedAt),
})
