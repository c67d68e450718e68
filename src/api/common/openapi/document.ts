import type { z } from 'zod'
import type { Api, ApiOperation } from '../api.ts'
import { membersOf, type Schema, schemaOf } from './schemas.ts'

/** What a document says beside its operations. */
export interface DocumentOptions {
  readonly title: string
  readonly description: string
  readonly version: string
  readonly apis: readonly Api[]
  /** Headers of every call that needs somebody to be signed in. */
  readonly headers?: z.ZodObject
}

const OPENAPI = '3.1.1'

/** OpenAPI 3.1, out of the tables that requests are served by. */
export function openApiDocument(options: DocumentOptions): Schema {
  const { title, description, version, apis } = options
  const operations = apis.flatMap((api) => api.operations)
  const paths: Record<string, Record<string, Schema>> = {}
  for (const api of apis) {
    for (const operation of api.operations) {
      const path = pathOf(operation)
      const item = paths[path] ?? {}
      item[operation.method.toLowerCase()] = described(operation, errorOf(api), options)
      paths[path] = item
    }
  }
  return {
    openapi: OPENAPI,
    info: { title, description, version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    tags: [...new Set(operations.map(tagOf))].sort().map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Of `POST /identity/token`.' },
      },
      schemas: Object.fromEntries(apis.map((api) => [errorOf(api), schemaOf(api.error, 'output')])),
    },
  }
}

/**
 * OpenAPI has one operation for each path and method. Those that are selected by a query parameter stand under a fragment,
 * which no client sends: `/api/v2/keys/{id}#action=wrap`.
 */
export function pathOf({ path, query = {} }: Pick<ApiOperation, 'path' | 'query'>): string {
  const template = path.replace(/:(\w+)/g, '{$1}')
  const selected = Object.entries(query).map(([name, value]) => (value === true ? name : `${name}=${value}`))
  return selected.length === 0 ? template : `${template}#${selected.join('&')}`
}

/** Names of calls, and those that some have in addition: `WrapKey by query`. */
export const operationIdOf = ({ name }: Pick<ApiOperation, 'name'>): string =>
  name.replace(/ (\w)/g, (_, letter: string) => letter.toUpperCase())

/** Each API has an error language of its own. */
const errorOf = ({ name }: Api): string => `${name}-error`

/** The first part of a path that is no version of the API. */
export function tagOf({ path }: Pick<ApiOperation, 'path'>): string {
  const parts = path.split('/').filter((part) => part !== '' && !/^(api|admin|v\d)$/.test(part))
  const [first = 'service'] = parts
  return first.startsWith(':') ? 'service' : first
}

/** `CreateKeyRing` → `Create key ring`. */
const sentenceOf = (name: string): string => {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function described(operation: ApiOperation, error: string, { headers }: DocumentOptions): Schema {
  const { summary, action, anonymous = false, reply } = operation
  const rights = action === undefined ? {} : { description: `Takes the right \`${action}\`.` }
  const parameters = [...parametersOf(operation), ...(headers && !anonymous ? headersOf(headers) : [])]
  const body = bodyOf(operation)
  return {
    operationId: operationIdOf(operation),
    summary: summary ?? sentenceOf(operation.name),
    ...rights,
    tags: [tagOf(operation)],
    security: anonymous ? [] : [{ token: [] }],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: body } : {}),
    responses: {
      '2XX': {
        description: 'It was done.',
        ...(reply ? { content: { 'application/json': { schema: schemaOf(reply, 'output') } } } : {}),
      },
      default: {
        description: 'It was refused, or failed.',
        content: { 'application/json': { schema: { $ref: `#/components/schemas/${error}` } } },
      },
    },
  }
}

function parametersOf({ path, query = {}, takes }: ApiOperation): Schema[] {
  const inPath = Array.from(path.matchAll(/:(\w+)/g), ([, name]) => ({
    ...{ name, in: 'path', required: true },
    schema: { type: 'string' },
  }))
  const selecting = Object.entries(query).map(([name, value]) => ({
    ...{ name, in: 'query', required: true, allowEmptyValue: value === true },
    schema: value === true ? { type: 'string' } : { const: value },
  }))
  const taken = (takes ? membersOf(takes) : []).map((member) => ({ ...member, in: 'query' }))
  return [...inPath, ...selecting, ...taken]
}

const headersOf = (headers: z.ZodObject): Schema[] => membersOf(headers).map((member) => ({ ...member, in: 'header' }))

function bodyOf({ bodySchema, bodyFormat = 'json' }: ApiOperation): Schema | undefined {
  if (!bodySchema) return undefined
  const type = bodyFormat === 'form' ? 'application/x-www-form-urlencoded' : 'application/json'
  return {
    required: !bodySchema.safeParse(undefined).success,
    content: { [type]: { schema: schemaOf(bodySchema, 'input') } },
  }
}
