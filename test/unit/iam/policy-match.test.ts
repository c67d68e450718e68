import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PolicyAttribute } from '../../../src/iam/policy.ts'
import { compileTest, contains } from '../../../src/iam/policy-match.ts'

const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 4 })
const key = fc.constantFrom('resource', 'keyRing', 'serviceInstance')
const attribute: fc.Arbitrary<PolicyAttribute> = fc.oneof(
  fc.record({ key, operator: fc.constantFrom('stringEquals' as const, 'stringMatch' as const), value: text }),
  fc.record({ key, operator: fc.constant('stringExists' as const), value: fc.boolean() }),
  fc.record({
    key,
    operator: fc.constantFrom('stringEqualsAnyOf' as const, 'stringMatchAnyOf' as const),
    value: fc.array(text, { minLength: 1, maxLength: 3 }),
  }),
)
const attributes = fc.uniqueArray(attribute, { selector: (one) => one.key, maxLength: 3 })
const value = fc.option(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 5 }), { nil: undefined })
const thing = fc.record({ resource: value, keyRing: value, serviceInstance: value })

const matches = (list: readonly PolicyAttribute[], facts: Readonly<Record<string, string | undefined>>) =>
  list.every((one) => compileTest(one)(facts[one.key]))

describe('an attribute', () => {
  it.each<[PolicyAttribute, readonly (string | undefined)[], readonly (string | undefined)[]]>([
    [{ key: 'resource', operator: 'stringEquals', value: 'a*' }, ['a*'], ['ab', 'a', undefined]],
    [{ key: 'resource', operator: 'stringMatch', value: 'a*' }, ['a', 'ab', 'a*'], ['ba', undefined]],
    [{ key: 'resource', operator: 'stringMatch', value: '*' }, ['', 'a'], [undefined]],
    [{ key: 'resource', operator: 'stringExists', value: true }, ['', 'a'], [undefined]],
    [{ key: 'resource', operator: 'stringExists', value: false }, [undefined], ['', 'a']],
    [{ key: 'resource', operator: 'stringEqualsAnyOf', value: ['a', 'b'] }, ['a', 'b'], ['c', undefined]],
    [{ key: 'resource', operator: 'stringMatchAnyOf', value: ['a?', 'b'] }, ['ax', 'b'], ['a', 'bx', undefined]],
    [{ key: 'serviceInstance', operator: 'stringEquals', value: 'ABC-1' }, ['abc-1'], ['abc-2', undefined]],
    [{ key: 'resource', operator: 'stringEquals', value: 'ABC' }, ['ABC'], ['abc']],
  ])('%j', (one, good, bad) => {
    expect(good.map(compileTest(one))).toEqual(good.map(() => true))
    expect(bad.map(compileTest(one))).toEqual(bad.map(() => false))
  })
})

describe('one resource within another', () => {
  it('never takes in what the other does not', () => {
    fc.assert(
      fc.property(attributes, attributes, fc.array(thing, { minLength: 20, maxLength: 20 }), (outer, inner, things) => {
        if (!contains(outer, inner)) return
        for (const facts of things) if (matches(inner, facts)) expect(matches(outer, facts)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('is within itself, and within less', () => {
    fc.assert(
      fc.property(attributes, (list) => {
        expect(contains(list, list)).toBe(true)
        expect(contains(list.slice(1), list)).toBe(true)
      }),
    )
  })

  const of = (operator: 'stringEquals' | 'stringMatch', text: string): readonly PolicyAttribute[] => [
    { key: 'resource', operator, value: text },
  ]
  it.each([
    ['anything', [], of('stringEquals', 'a'), true],
    ['the same', of('stringEquals', 'a'), of('stringEquals', 'a'), true],
    ['one that fits a pattern', of('stringMatch', 'logs-*'), of('stringEquals', 'logs-1'), true],
    ['a narrower pattern', of('stringMatch', 'logs-*'), of('stringMatch', 'logs-2026-*'), true],
    ['a wider pattern', of('stringMatch', 'logs-2026-*'), of('stringMatch', 'logs-*'), false],
    ['a pattern of one character', of('stringMatch', 'a?'), of('stringMatch', 'a*'), false],
    ['a pattern where one value is', of('stringEquals', 'a*'), of('stringMatch', 'a*'), false],
    ['everything where one value is', of('stringEquals', 'a'), [], false],
    [
      'a service of a type',
      [{ key: 'serviceType', operator: 'stringEquals', value: 'service' }],
      [{ key: 'serviceName', operator: 'stringEquals', value: 'kms' }],
      true,
    ],
    [
      'a service of another type',
      [{ key: 'serviceType', operator: 'stringEquals', value: 'platform_service' }],
      [{ key: 'serviceName', operator: 'stringEquals', value: 'kms' }],
      false,
    ],
  ] as const)('%s', (_, outer, inner, expected) => {
    expect(contains(outer, inner)).toBe(expected)
  })
})
