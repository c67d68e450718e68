/** Reading answers whose shape nobody promised to this program: what is not there is undefined, never a crash. */

export const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

export function textOf(value: unknown, ...path: readonly string[]): string | undefined {
  const found = path.reduce(member, value)
  return typeof found === 'string' ? found : undefined
}

export function numberOf(value: unknown, ...path: readonly string[]): number | undefined {
  const found = path.reduce(member, value)
  return typeof found === 'number' ? found : undefined
}

/** Of all members that are numbers. */
export function sumOf(value: unknown, ...path: readonly string[]): number {
  const found = path.reduce(member, value)
  const all: readonly unknown[] = typeof found === 'object' && found !== null ? Object.values(found) : []
  return all.reduce<number>((sum, one) => (typeof one === 'number' ? sum + one : sum), 0)
}

export const isTrue = (value: unknown, ...path: readonly string[]): boolean => path.reduce(member, value) === true

export function listOf(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = path.reduce(member, value)
  return Array.isArray(found) ? found : []
}

/** Undefined for what is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
