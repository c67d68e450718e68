import { damaged } from './errors.ts'

export type Members = Readonly<Record<string, unknown>>

export function parseJson(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw damaged(`${what} is no JSON`)
  }
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

export function members(value: unknown, what: string): Members {
  if (!isMembers(value)) throw damaged(`${what} is no JSON object`)
  return value
}

const own = (all: Members, name: string): unknown => (Object.hasOwn(all, name) ? all[name] : undefined)

export function textIn(all: Members, name: string, what: string): string {
  const value = own(all, name)
  if (typeof value !== 'string') throw damaged(`${what} has no text ${name}`)
  return value
}

export function numberIn(all: Members, name: string, what: string): number {
  const value = own(all, name)
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw damaged(`${what} has no number ${name}`)
  return value
}

export function optionalText(all: Members, name: string): string | undefined {
  const value = own(all, name)
  return typeof value === 'string' ? value : undefined
}

export function optionalNumber(all: Members, name: string): number | undefined {
  const value = own(all, name)
  return typeof value === 'number' ? value : undefined
}

export const optionalMembers = (all: Members, name: string): Members | undefined => {
  const value = own(all, name)
  return isMembers(value) ? value : undefined
}

/** An object whose members are all texts; none where it is missing. */
export function textsIn(all: Members, name: string, what: string): Record<string, string> {
  const value = own(all, name)
  if (value === undefined) return {}
  const entries = Object.entries(members(value, `${name} of ${what}`))
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

/** Deeper than anything that these formats have, and far from the end of the stack. */
const MAX_DEPTH = 100

/** RFC 8785 of what has texts and integers only. Throws Damaged for what is deeper than anything here. */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) throw damaged('it is nested too deep')
  if (isList(value)) return `[${value.map((one) => canonicalJson(one, depth + 1)).join(',')}]`
  if (!isMembers(value)) return JSON.stringify(value)
  const names = Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1))
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name], depth + 1)}`).join(',')}}`
}
