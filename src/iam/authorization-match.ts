import type { Authorization, AuthorizationTarget, Constraint, Instance, SystemAuthorization } from './records.ts'
import type { Target } from './target.ts'

/** Does the authorization speak of this source and this target? Roles are another question. */
export function covers({ state, accountId, source, target }: Authorization, asking: Instance, wanted: Target): boolean {
  return (
    state === 'active' &&
    accountId === wanted.accountId &&
    source.serviceName === asking.service &&
    source.accountId === asking.accountId &&
    (source.serviceInstance === undefined || source.serviceInstance.toLowerCase() === asking.guid) &&
    (source.region === undefined || source.region === asking.region) &&
    coversTarget(target, wanted)
  )
}

function coversTarget(target: AuthorizationTarget, wanted: Target): boolean {
  return (
    target.serviceName === wanted.service &&
    holds(target.serviceInstance, wanted.instance) &&
    holds(target.resourceType, wanted.resourceType) &&
    holds(target.resource, wanted.resource) &&
    holds(target.keyRing, wanted.keyRing)
  )
}

/** An absent constraint does not restrict; a constraint on something the target does not have never holds. */
function holds(constraint: Constraint | undefined, value: string | undefined): boolean {
  if (constraint === undefined) return true
  if (value === undefined) return false
  return constraint.operator === 'stringMatch' ? wildcardMatch(constraint.value, value) : constraint.value === value
}

export function systemCovers({ source, target }: SystemAuthorization, asking: Instance, wanted: Target): boolean {
  return (
    source.service === asking.service &&
    (source.instance === undefined || source.instance === asking.guid) &&
    target.service === wanted.service &&
    target.instance === wanted.instance &&
    (target.resourceType === undefined || target.resourceType === wanted.resourceType) &&
    (target.resource === undefined || target.resource === wanted.resource)
  )
}

/** `*` any run of characters, `?` exactly one. Its time is bounded by the product of the lengths, whatever the pattern. */
export function wildcardMatch(pattern: string, value: string): boolean {
  let at = 0
  let star = -1
  let resumeAt = 0
  let position = 0
  while (position < value.length) {
    if (pattern[at] === '*') {
      star = at++
      resumeAt = position
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === value[position])) {
      at++
      position++
    } else if (star >= 0) {
      at = star + 1
      position = ++resumeAt
    } else {
      return false
    }
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
