/** Answers are read as what they are said to be; what is missing is left out, never guessed. */
export type Json = unknown

export const isObject = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const member = (value: Json, name: string): Json => (isObject(value) ? value[name] : undefined)

export const textOf = (value: Json, name: string): string => {
  const found = member(value, name)
  return typeof found === 'string' ? found : ''
}

export const listOf = (value: Json, name: string): readonly Json[] => {
  const found = member(value, name)
  return Array.isArray(found) ? found : []
}
