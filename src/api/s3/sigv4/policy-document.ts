import { S3Error } from '../error-codes.ts'
import type { PolicyCondition } from './policy-conditions.ts'

export interface PolicyDocument {
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
  readonly conditions: readonly PolicyCondition[]
}

/** Decodes a base64 policy. Strict about its shape, since what isn't understood can't be enforced. Throws InvalidPolicyDocument. */
export function parsePolicy(base64: string): PolicyDocument {
  const document = parseJson(base64)
  if (!isRecord(document)) throw invalid('Invalid JSON.')
  if (!Object.hasOwn(document, 'expiration')) throw invalid('Policy missing expiration.')
  if (!Object.hasOwn(document, 'conditions')) throw invalid('Policy missing conditions.')
  const { expiration, conditions } = document
  if (!Array.isArray(conditions)) throw invalid('conditions must be a list.')
  return { expiresAt: parseExpiration(expiration), conditions: conditions.flatMap(parseCondition) }
}

const invalid = (why: string, cause?: unknown): S3Error =>
  new S3Error('InvalidPolicyDocument', `Invalid Policy: ${why}`, { cause })

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseJson(base64: string): unknown {
  const text = base64.replace(/\s+/g, '')
  if (!BASE64.test(text)) throw invalid('The policy is not base64.')
  try {
    return JSON.parse(utf8.decode(Buffer.from(text, 'base64')))
  } catch (cause) {
    throw invalid('Invalid JSON.', cause)
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const EXPIRATION = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

function parseExpiration(value: unknown): number {
  const time = typeof value === 'string' && EXPIRATION.test(value) ? Date.parse(value) : Number.NaN
  if (!Number.isFinite(time)) throw invalid(`Invalid 'expiration' value: '${String(value).slice(0, 64)}'`)
  return time
}

function parseCondition(value: unknown): PolicyCondition[] {
  if (Array.isArray(value)) return [parseList(value)]
  const entries = isRecord(value) ? Object.entries(value) : []
  if (entries.length === 0) throw invalid('Invalid Simple-Condition: a condition names a field and a value.')
  return entries.map(([name, expected]) => {
    if (typeof expected !== 'string') throw invalid('Invalid Simple-Condition: value must be a string.')
    return { operator: 'eq', field: name.toLowerCase(), value: expected }
  })
}

function parseList(list: readonly unknown[]): PolicyCondition {
  const [first, second, third] = list
  const operator = typeof first === 'string' ? first.toLowerCase() : ''
  if (list.length !== 3) throw invalid('Invalid Condition: a list condition has three members.')
  if (operator === 'content-length-range') return parseRange(second, third)
  if (operator !== 'eq' && operator !== 'starts-with') throw invalid('Invalid Condition: unknown operation.')
  if (typeof second !== 'string' || !second.startsWith('$') || second.length < 2 || typeof third !== 'string') {
    throw invalid('Invalid Condition: a $field and a string are expected.')
  }
  return { operator, field: second.slice(1).toLowerCase(), value: third }
}

function parseRange(minimum: unknown, maximum: unknown): PolicyCondition {
  if (!isLength(minimum) || !isLength(maximum) || minimum > maximum) {
    throw invalid('Invalid content-length-range: two ascending lengths are expected.')
  }
  return { operator: 'content-length-range', minBytes: minimum, maxBytes: maximum }
}

const isLength = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
