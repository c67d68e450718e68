import { isIssuerKey, isKnownAnywhere, isKnownKey } from './condition-keys.ts'
import { malformed } from './errors.ts'
import { OPERATORS, type Truth } from './operators.ts'
import { type Lookup, type Pattern, parsePattern, variablesOf } from './pattern.ts'

export interface Condition {
  /** As OPERATORS has it, or `null`. */
  readonly operator: string
  readonly ifExists: boolean
  readonly quantifier: 'forallvalues' | 'foranyvalue' | undefined
  /** Lower case. */
  readonly key: string
  readonly values: readonly Pattern[]
}

/** What is known of a request. */
export interface Facts {
  /** Values of a condition key (lower case). Undefined: the request has none. */
  readonly get: (key: string) => readonly string[] | undefined
}

export interface ConditionSyntax {
  readonly variables: boolean
  /** Refuses keys that nobody has heard of. */
  readonly knownKeysOnly: boolean
}

/** `{ operator: { key: value or list } }`. Throws MalformedPolicy. */
export function parseConditions(block: unknown, syntax: ConditionSyntax): Condition[] {
  if (!isRecord(block)) throw malformed('Syntax errors in policy.')
  return Object.entries(block).flatMap(([operator, keys]) => {
    const form = parseOperator(operator)
    if (!isRecord(keys)) throw malformed('Syntax errors in policy.')
    return Object.entries(keys).map(([key, value]) => parseCondition(form, key, value, syntax))
  })
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

type Form = Pick<Condition, 'operator' | 'ifExists' | 'quantifier'>

const FORM = /^(?:(forallvalues|foranyvalue):)?([a-z]+?)(ifexists)?$/

function parseOperator(name: string): Form {
  const [, quantifier, operator = '', ifExists] = FORM.exec(name.toLowerCase()) ?? []
  const isNull = operator === 'null' && ifExists === undefined && quantifier === undefined
  if (!isNull && !OPERATORS.has(operator)) throw malformed(`Invalid Condition type : ${name}`)
  return {
    operator,
    ifExists: ifExists !== undefined,
    quantifier: quantifier === 'forallvalues' || quantifier === 'foranyvalue' ? quantifier : undefined,
  }
}

function parseCondition(form: Form, key: string, value: unknown, syntax: ConditionSyntax): Condition {
  const isIssuers = isIssuerKey(key)
  if (!isIssuers && !/^[A-Za-z0-9._/:-]+:[^\s]+$/.test(key) && !/^[A-Za-z0-9-]+:.+\/.+$/.test(key)) throw invalidKey()
  if (syntax.knownKeysOnly && !isIssuers && !isKnownKey(key)) throw invalidKey()
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const operator = OPERATORS.get(form.operator)
  const values = list.map((one) => {
    if (typeof one !== 'string' && typeof one !== 'number' && typeof one !== 'boolean') {
      throw malformed('Syntax errors in policy.')
    }
    const pattern = parsePattern(String(one), {
      wildcards: operator?.wildcards ?? false,
      variables: syntax.variables,
    })
    const accepted = operator ? operator.accepts(String(one)) : /^(true|false)$/i.test(String(one))
    if (variablesOf(pattern).length === 0 && !accepted) {
      throw malformed(`Invalid value in Condition ${form.operator}: ${String(one).slice(0, 64)}`)
    }
    return pattern
  })
  return { ...form, key: key.toLowerCase(), values }
}

const invalidKey = () => malformed('Policy has an invalid condition key')

/** All conditions of a statement must hold. */
export function testConditions(conditions: readonly Condition[], facts: Facts): Truth {
  let truth: Truth = true
  for (const condition of conditions) {
    const one = testCondition(condition, facts)
    if (one === false) return false
    if (one === 'unknown') truth = 'unknown'
  }
  return truth
}

export const valueIn =
  (facts: Facts): Lookup =>
  (key) => {
    const values = facts.get(key)
    return values?.length === 1 ? values[0] : undefined
  }

function testCondition({ operator, ifExists, quantifier, key, values }: Condition, facts: Facts): Truth {
  if (!isKnownAnywhere(key)) return 'unknown'
  const actual = facts.get(key)
  if (operator === 'null') {
    return values.some(({ source }) => /^true$/i.test(source) === (actual === undefined))
  }
  const rule = OPERATORS.get(operator)
  if (!rule) return 'unknown'
  if (actual === undefined || (actual.length === 0 && quantifier !== undefined)) {
    return ifExists || quantifier === 'forallvalues' || (rule.negated && quantifier === undefined)
  }
  const lookup = valueIn(facts)
  const one = (value: string): Truth => {
    // What has no value is equal to nothing; whether it differs cannot be told.
    const nothing: Truth = rule.negated ? 'unknown' : false
    const any = someTrue(values.map((expected) => rule.compare(expected, value, lookup) ?? nothing))
    return rule.negated ? not(any) : any
  }
  const results = actual.map(one)
  // Without a quantifier a key has one value; of several, a negated operator must hold for all.
  return quantifier === 'forallvalues' || (quantifier === undefined && rule.negated)
    ? not(someTrue(results.map(not)))
    : someTrue(results)
}

const not = (truth: Truth): Truth => (truth === 'unknown' ? 'unknown' : !truth)

function someTrue(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true
  return truths.includes('unknown') ? 'unknown' : false
}
