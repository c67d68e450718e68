import type { Policy, PolicyAttribute } from './policy.ts'
import { compileTest, type ValueTest } from './policy-match.ts'
import { compileRule, type Moment } from './policy-rule.ts'
import type { Instance } from './records.ts'
import { parseRoleId, type RoleId } from './role-id.ts'
import { serviceTypeOf } from './services.ts'
import type { Target } from './target.ts'

/** Finds the region of an instance: a target knows its instance only. */
export type RegionOf = (instance: string) => string | undefined

/** A policy, made ready to be asked thousands of times a second. */
export interface CompiledPolicy {
  readonly policy: Policy
  readonly roles: readonly RoleId[]
  /** Of an authorization: does it speak of this service? */
  readonly speaksOf: (asking: Instance) => boolean
  readonly covers: (target: Target, regionOf: RegionOf) => boolean
  readonly isTime: Moment
}

const always = (): boolean => true
const never = (): boolean => false

export function compilePolicy(policy: Policy): CompiledPolicy {
  const { subject, resource, roles, pattern, rule } = policy
  const source = subject.map((attribute) => ({ key: attribute.key, holds: compileTest(attribute) }))
  const tests = resource.map(compileResourceTest)
  return {
    policy,
    roles: roles.flatMap((roleId) => parseRoleId(roleId) ?? []),
    speaksOf: (asking) => source.every(({ key, holds }) => holds(factOfSource(key, asking))),
    covers: (target, regionOf) => tests.every((holds) => holds(target, regionOf)),
    // A rule that is not understood (written by a later release) grants nothing.
    isTime: rule === undefined ? always : (compileRule(pattern ?? '', rule) ?? never),
  }
}

/** A service acts as its instance: it is no resource within it, and instances are in no resource group. */
function factOfSource(key: string, { accountId, service, guid, region }: Instance): string | undefined {
  switch (key) {
    case 'accountId':
      return accountId
    case 'serviceName':
      return service
    case 'serviceInstance':
      return guid
    case 'region':
      return region
    default:
      return undefined
  }
}

type TargetTest = (target: Target, regionOf: RegionOf) => boolean

function compileResourceTest(attribute: PolicyAttribute): TargetTest {
  const holds: ValueTest = compileTest(attribute)
  switch (attribute.key) {
    case 'accountId':
      return (target) => holds(target.accountId)
    case 'serviceName':
      return (target) => holds(target.service)
    case 'serviceType':
      return (target) => holds(serviceTypeOf(target.service))
    case 'serviceInstance':
      return (target) => holds(target.instance)
    case 'region':
      return ({ instance }, regionOf) => holds(instance === undefined ? undefined : regionOf(instance))
    case 'resourceType':
      return (target) => holds(target.resourceType)
    case 'resource':
      return (target) => holds(target.resource)
    case 'keyRing':
      return (target) => holds(target.keyRing)
    default:
      return never
  }
}
