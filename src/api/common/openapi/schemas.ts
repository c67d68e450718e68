import { z } from 'zod'

/** A JSON Schema (2020-12), as OpenAPI 3.1 has them. */
export type Schema = Readonly<Record<string, unknown>>

/** `input`: as a client sends it. `output`: as it is answered. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Schema {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return described
}

export interface Member {
  readonly name: string
  readonly required: boolean
  readonly schema: Schema
  readonly description?: string
}

/** The members of an object, each by itself. */
export function membersOf(schema: z.ZodObject): readonly Member[] {
  const { properties, required }: { properties?: unknown; required?: unknown } = schemaOf(schema, 'input')
  return Object.entries(Object(properties)).map(([name, property]): Member => {
    const { description, ...described }: { description?: unknown } = Object(property)
    return {
      ...{ name, schema: described },
      required: Array.isArray(required) && required.includes(name),
      ...(typeof description === 'string' ? { description } : {}),
    }
  })
}
