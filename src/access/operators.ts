import { networkTest, plainAddress } from '../base/networks.ts'
import { expand, type Lookup, matches, type Pattern } from './pattern.ts'

/** `unknown`: it cannot be told. Then nothing is allowed, and what would be denied is. */
export type Truth = boolean | 'unknown'

/** Does the value that the request has fit the one that the policy names? Undefined: a variable in it has no value. */
type Compare = (expected: Pattern, actual: string, lookup: Lookup) => Truth | undefined

interface Operator {
  /** Holds when `compare` holds for none of the policy's values. */
  readonly negated: boolean
  readonly compare: Compare
  /** `*` and `?` mean something in the policy's values. */
  readonly wildcards: boolean
  /** Whether a value can be one of the policy's. A value with variables is not asked about. */
  readonly accepts: (value: string) => boolean
}

const text =
  (options: { readonly ignoreCase?: boolean } = {}): Compare =>
  (expected, actual, lookup) =>
    matches(expected, actual, lookup, options)

/** Of both values as numbers, dates, … : what is none of them cannot be told. */
const ordered =
  (read: (value: string) => number | undefined, holds: (actual: number, expected: number) => boolean): Compare =>
  (expected, actual, lookup) => {
    const wanted = expand(expected, lookup)
    if (wanted === undefined) return undefined
    const [left, right] = [read(actual), read(wanted)]
    return left === undefined || right === undefined ? 'unknown' : holds(left, right)
  }

function numberOf(value: string): number | undefined {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value.trim()) ? Number(value) : undefined
}

const W3C = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d))?)?)?$/

/** W3C dates (four digits are a year) and seconds since 1970. In milliseconds. */
function dateOf(value: string): number | undefined {
  const trimmed = value.trim()
  const parts = W3C.exec(trimmed)
  if (parts) {
    const at = Date.parse(parts[4] !== undefined && parts[6] === undefined ? withSeconds(trimmed) : trimmed)
    return Number.isNaN(at) ? undefined : at
  }
  const seconds = numberOf(trimmed)
  return seconds === undefined ? undefined : seconds * 1000
}

const withSeconds = (value: string): string => value.replace(/(T\d\d:\d\d)/, '$1:00')

const bool = (value: string): boolean | undefined =>
  /^true$/i.test(value) ? true : /^false$/i.test(value) ? false : undefined

const boolean: Compare = (expected, actual, lookup) => {
  const wanted = expand(expected, lookup)
  if (wanted === undefined) return undefined
  const [left, right] = [bool(actual), bool(wanted)]
  return left === undefined || right === undefined ? 'unknown' : left === right
}

const binary: Compare = (expected, actual) => expected.source === actual

const address: Compare = (expected, actual, lookup) => {
  const network = expand(expected, lookup)
  if (network === undefined) return undefined
  if (!isNetworkText(network) || plainAddress(actual) === undefined) return 'unknown'
  return networkTest([network])(actual)
}

export function isNetworkText(value: string): boolean {
  try {
    networkTest([value])
    return true
  } catch {
    return false
  }
}

/** Each of the six parts by itself, so that a `*` does not reach over a colon; the last one is the rest. */
const arn: Compare = (expected, actual, lookup) => {
  const wanted = arnParts(expected)
  const given = actual.split(':')
  if (wanted === undefined || given.length < 6) return false
  const parts = [...given.slice(0, 5), given.slice(5).join(':')]
  let answer: boolean | undefined = true
  for (const [index, part] of parts.entries()) {
    const pattern = wanted[index]
    const match = pattern && matches(pattern, part, lookup)
    if (match === false) return false
    if (match === undefined) answer = undefined
  }
  return answer
}

/** A pattern cut at its first five colons; variables stay whole. */
function arnParts({ source, pieces }: Pattern): readonly Pattern[] | undefined {
  if (source === '*') return Array.from({ length: 6 }, () => ({ source, pieces }))
  const parts: Pattern['pieces'][number][][] = [[]]
  for (const piece of pieces) {
    if (!('literal' in piece)) {
      parts.at(-1)?.push(piece)
      continue
    }
    let rest = piece.literal
    for (let colon = rest.indexOf(':'); colon >= 0 && parts.length < 6; colon = rest.indexOf(':')) {
      if (colon > 0) parts.at(-1)?.push({ literal: rest.slice(0, colon) })
      parts.push([])
      rest = rest.slice(colon + 1)
    }
    if (rest !== '') parts.at(-1)?.push({ literal: rest })
  }
  return parts.length === 6 ? parts.map((list) => ({ source, pieces: list })) : undefined
}

const anything = (): boolean => true
const isArn = (value: string): boolean => value === '*' || value.split(':').length >= 6
const isNumber = (value: string): boolean => numberOf(value) !== undefined
const isDate = (value: string): boolean => dateOf(value) !== undefined
const isBool = (value: string): boolean => bool(value) !== undefined

interface Family {
  readonly compare: Compare
  readonly accepts: (value: string) => boolean
  readonly wildcards?: boolean
}

const pair = (name: string, opposite: string, { compare, accepts, wildcards = false }: Family) =>
  [
    [name, { negated: false, compare, accepts, wildcards }],
    [opposite, { negated: true, compare, accepts, wildcards }],
  ] as const

const comparisons = (type: string, read: (value: string) => number | undefined, accepts: (value: string) => boolean) =>
  [
    ...pair(`${type}Equals`, `${type}NotEquals`, { compare: ordered(read, (a, b) => a === b), accepts }),
    ...(
      [
        ['LessThan', (a, b) => a < b],
        ['LessThanEquals', (a, b) => a <= b],
        ['GreaterThan', (a, b) => a > b],
        ['GreaterThanEquals', (a, b) => a >= b],
      ] as const satisfies readonly (readonly [string, (a: number, b: number) => boolean])[]
    ).map(
      ([name, holds]) =>
        [`${type}${name}`, { negated: false, compare: ordered(read, holds), accepts, wildcards: false }] as const,
    ),
  ] as const

const ARN: Family = { compare: arn, accepts: isArn, wildcards: true }

/** By lower-case name, without `IfExists` and quantifiers. `Null` is none of them. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  [
    ...pair('StringEquals', 'StringNotEquals', { compare: text(), accepts: anything }),
    ...pair('StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', {
      compare: text({ ignoreCase: true }),
      accepts: anything,
    }),
    ...pair('StringLike', 'StringNotLike', { compare: text(), accepts: anything, wildcards: true }),
    ...comparisons('Numeric', numberOf, isNumber),
    ...comparisons('Date', dateOf, isDate),
    ['Bool', { negated: false, compare: boolean, accepts: isBool, wildcards: false }] as const,
    ['BinaryEquals', { negated: false, compare: binary, accepts: anything, wildcards: false }] as const,
    ...pair('IpAddress', 'NotIpAddress', { compare: address, accepts: isNetworkText }),
    ...pair('ArnEquals', 'ArnNotEquals', ARN),
    ...pair('ArnLike', 'ArnNotLike', ARN),
  ].map(([name, operator]) => [name.toLowerCase(), operator]),
)
