import type { Policy, PolicyAttribute } from './policy.ts'
import { compileTest, type ValueTest } from './policy-match.ts'
import { compileRule, type Moment } from './policy-rule.ts'
import type { Instance, StoredInstance } from './records.ts'
import { parseRoleId, type RoleId } from './role-id.ts'
import { serviceTypeOf } from './services.ts'
import type { Target } from './target.ts'

/** Finds an instance by its GUID: a target knows no more of it. */
export type InstanceOf = (guid: string) => StoredInstance | undefined

/** A policy, made ready to be asked thousands of times a second. */
export interface CompiledPolicy {
  readonly policy: Policy
  readonly roles: readonly RoleId[]
  /** Of an authorization: does it speak of this service? */
  readonly speaksOf: (asking: Instance, instanceOf: InstanceOf) => boolean
  readonly covers: (target: Target, instanceOf: InstanceOf) => boolean
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
    speaksOf: (asking, instanceOf) => source.every(({ key, holds }) => holds(factOfSource(key, asking, instanceOf))),
    covers: (target, instanceOf) => tests.every((holds) => holds(target, instanceOf)),
    // A rule that is not understood (written by a later release) grants nothing.
    isTime: rule === undefined ? always : (compileRule(pattern ?? '', rule) ?? never),
  }
}

/** An account has one resource group, of its own id, for the instances that nobody has put into another. */
const resourceGroupOf = (instance: StoredInstance | undefined): string | undefined =>
  instance && (instance.details?.resourceGroupId ?? instance.accountId)

/** A service acts as its instance and is no resource within it. */
function factOfSource(
  key: string,
  { accountId, service, guid, region }: Instance,
  instanceOf: InstanceOf,
): string | undefined {
  switch (key) {
    case 'accountId':
      return accountId
    case 'serviceName':
      return service
    case 'serviceInstance':
      return guid
    case 'region':
      return region
    case 'resourceGroupId':
      return resourceGroupOf(instanceOf(guid))
    default:
      return undefined
  }
}

type TargetTest = (target: Target, instanceOf: InstanceOf) => boolean

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
      return ({ instance }, instanceOf) => holds(instance === undefined ? undefined : instanceOf(instance)?.region)
    case 'resourceGroupId':
      return ({ instance }, instanceOf) =>
        holds(instance === undefined ? undefined : resourceGroupOf(instanceOf(instance)))
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
