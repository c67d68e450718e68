import { equal, exactValue, type PolicyAttribute } from './policy.ts'
import { SERVICE_NAMES } from './principal.ts'
import { serviceTypeOf } from './services.ts'
import { wildcardMatch } from './wildcard.ts'

/** Does a value (undefined: there is none) satisfy an attribute? */
export type ValueTest = (value: string | undefined) => boolean

/** Ids of instances are UUIDs, and those are written in both cases. */
const normalised = (key: string, value: string): string => (key === 'serviceInstance' ? value.toLowerCase() : value)

/** A constraint on something that the thing asked about does not have never holds, but for `stringExists: false`. */
export function compileTest({ key, operator, value }: PolicyAttribute): ValueTest {
  switch (operator) {
    case 'stringExists':
      return (actual) => (actual !== undefined) === value
    case 'stringEquals': {
      const wanted = normalised(key, value)
      return (actual) => actual === wanted
    }
    case 'stringMatch': {
      const pattern = normalised(key, value)
      return (actual) => actual !== undefined && wildcardMatch(pattern, actual)
    }
    case 'stringEqualsAnyOf': {
      const wanted = new Set(value.map((one) => normalised(key, one)))
      return (actual) => actual !== undefined && wanted.has(actual)
    }
    case 'stringMatchAnyOf': {
      const patterns = value.map((one) => normalised(key, one))
      return (actual) => actual !== undefined && patterns.some((pattern) => wildcardMatch(pattern, actual))
    }
  }
}

/**
 * Does whatever satisfies every attribute of `inner` satisfy those of `outer` too? May say no where it is so (of two
 * patterns only the plain cases are judged), never yes where it is not.
 */
export function contains(outer: readonly PolicyAttribute[], inner: readonly PolicyAttribute[]): boolean {
  const said = [...inner, ...serviceTypeSaidBy(inner)]
  return outer.every((wide) => said.some((narrow) => narrow.key === wide.key && implies(narrow, wide)))
}

function serviceTypeSaidBy(attributes: readonly PolicyAttribute[]): readonly PolicyAttribute[] {
  const service = SERVICE_NAMES.find((name) => name === exactValue(attributes, 'serviceName'))
  return service === undefined ? [] : [equal('serviceType', serviceTypeOf(service))]
}

function implies(narrow: PolicyAttribute, wide: PolicyAttribute): boolean {
  if (wide.operator === 'stringExists') {
    return narrow.operator === 'stringExists' ? narrow.value === wide.value : wide.value
  }
  if (narrow.operator === 'stringExists') return false
  const values = typeof narrow.value === 'string' ? [narrow.value] : narrow.value
  if (narrow.operator === 'stringEquals' || narrow.operator === 'stringEqualsAnyOf') {
    const holds = compileTest(wide)
    return values.every((value) => holds(normalised(narrow.key, value)))
  }
  if (wide.operator === 'stringEquals' || wide.operator === 'stringEqualsAnyOf') return false
  const wider = typeof wide.value === 'string' ? [wide.value] : wide.value
  return values.every((pattern) => wider.some((other) => patternImplies(pattern, other)))
}

/** Read as text, the narrow pattern matches the wide one: its own wildcards can then only stand where a `*` takes them. */
function patternImplies(narrow: string, wide: string): boolean {
  return narrow === wide || (!wide.includes('?') && wildcardMatch(wide, narrow))
}
