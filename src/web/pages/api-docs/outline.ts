import { isObject, type Json, listOf, member, textOf } from '../../client/json.ts'

const MAX_DEPTH = 6

/** What a JSON schema says, as a few lines to read. */
export function outline(schema: Json): string {
  return linesOf(schema, 0).join('\n')
}

function linesOf(schema: Json, depth: number): string[] {
  const properties = member(schema, 'properties')
  if (!isObject(properties)) {
    const inner = innerOf(schema)
    return inner === undefined ? [typeOf(schema)] : [typeOf(schema), ...linesOf(inner, depth + 1)]
  }
  const required = listOf(schema, 'required')
  return Object.entries(properties).flatMap(([name, property]) => {
    const about = textOf(property, 'description').replaceAll('`', '')
    const mark = required.includes(name) ? '' : '?'
    const line = `${'  '.repeat(depth)}${name}${mark}: ${typeOf(property)}${about === '' ? '' : `   — ${about}`}`
    const inner = innerOf(property)
    return inner === undefined || depth === MAX_DEPTH ? [line] : [line, ...linesOf(inner, depth + 1)]
  })
}

/** What has members of its own: it itself, what a list is of, or the first of several that it may be. */
function innerOf(schema: Json): Json {
  if (isObject(member(schema, 'properties'))) return schema
  const items = member(schema, 'items')
  return items === undefined
    ? choicesOf(schema)
        .map(innerOf)
        .find((inner) => inner !== undefined)
    : innerOf(items)
}

const choicesOf = (schema: Json): Json[] => [...listOf(schema, 'anyOf'), ...listOf(schema, 'oneOf')]

function typeOf(schema: Json): string {
  const constant = member(schema, 'const')
  if (constant !== undefined) return JSON.stringify(constant)
  const values = listOf(schema, 'enum')
  if (values.length > 0) return values.map((value) => JSON.stringify(value)).join(' | ')
  const any = choicesOf(schema)
  if (any.length > 0) return [...new Set(any.map(typeOf))].join(' | ')
  const type = textOf(schema, 'type')
  if (type === 'array') return `${typeOf(member(schema, 'items'))}[]`
  return textOf(schema, 'format') || type || 'anything'
}

/** Something of that shape, to be changed before it is sent: what has to be there. */
export function sampleOf(schema: Json): Json {
  const fallback = member(schema, 'default')
  if (fallback !== undefined) return fallback
  const constant = member(schema, 'const')
  if (constant !== undefined) return constant
  const [first] = [...listOf(schema, 'enum'), ...listOf(schema, 'examples')]
  if (first !== undefined) return first
  const [any] = choicesOf(schema)
  if (any !== undefined) return sampleOf(any)
  switch (textOf(schema, 'type')) {
    case 'object': {
      const properties = member(schema, 'properties')
      const required = listOf(schema, 'required')
      const members = isObject(properties) ? Object.entries(properties) : []
      return Object.fromEntries(
        members.filter(([name]) => required.includes(name)).map(([name, of]) => [name, sampleOf(of)]),
      )
    }
    case 'array':
      return [sampleOf(member(schema, 'items'))]
    case 'boolean':
      return false
    case 'integer':
    case 'number':
      return 0
    default:
      return ''
  }
}
