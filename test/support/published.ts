import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Api, ApiOperation } from '../../src/api/common/api.ts'
import { openApiDocument, operationIdOf } from '../../src/api/common/openapi/document.ts'
import type { Schema } from '../../src/api/common/openapi/schemas.ts'
import type { Reply } from '../../src/api/common/reply.ts'

interface Answers {
  readonly good: ValidateFunction | undefined
  readonly bad: ValidateFunction
}

/** What an OpenAPI document says of answers, for holding real ones against. */
export interface Published {
  /** Throws when the document says something else; `text` is the body, empty when there is none. */
  readonly check: (operationId: string, status: number, text: string) => void
  /** Ids of all operations. */
  readonly ids: readonly string[]
}

export function publishedBy(document: Schema): Published {
  const closed = closedOf(document)
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
  ajv.addSchema(isObject(closed) ? closed : {}, 'document')
  const answers = new Map<string, Answers>()
  const compile = (path: readonly string[]): ValidateFunction =>
    ajv.compile({
      $ref: `document#/${path.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`,
    })
  for (const [path, item] of entriesOf(member(document, 'paths'))) {
    for (const [method, operation] of entriesOf(item)) {
      const at = (code: string): readonly string[] => [
        'paths',
        path,
        method,
        'responses',
        code,
        'content',
        'application/json',
        'schema',
      ]
      const hasReply = member(member(member(operation, 'responses'), '2XX'), 'content') !== undefined
      answers.set(String(member(operation, 'operationId')), {
        good: hasReply ? compile(at('2XX')) : undefined,
        bad: compile(at('default')),
      })
    }
  }
  return {
    ids: [...answers.keys()],
    check: (id, status, text) => {
      const expected = answers.get(id)
      if (!expected) throw new Error(`no document has ${id}`)
      if (text === '') return
      const validate = status < 300 ? expected.good : expected.bad
      if (!validate) throw new Error(`${id} answers with a body that its document does not have: ${text}`)
      if (!validate(JSON.parse(text))) {
        throw new Error(
          `${id} answers ${status} as its document does not say: ${ajv.errorsText(validate.errors)}: ${text}`,
        )
      }
    },
  }
}

/** The APIs, holding each of their own answers against what is published of them. What differs is thrown, so that no test overlooks it. */
export function checkedApis(apis: readonly Api[]): readonly Api[] {
  const { check } = publishedBy(openApiDocument({ title: 'test', description: '', version: '0', apis }))
  return apis.map((api) => ({
    ...api,
    operations: api.operations.map(
      (operation) =>
        ({
          ...operation,
          handle: async (request, incoming) => {
            const answered = (reply: Reply): Reply => {
              if (typeof reply.body === 'string') check(operationIdOf(operation), reply.status, reply.body)
              return reply
            }
            try {
              return answered(await operation.handle(request, incoming))
            } catch (error) {
              answered(api.renderError(error, request))
              throw error
            }
          },
        }) satisfies ApiOperation,
    ),
  }))
}

/** Nothing but what is described: a member that a document leaves open would hide one that it lacks. */
function closedOf(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closedOf)
  if (!isObject(schema)) return schema
  const closed = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closedOf(value)]))
  return 'properties' in schema && schema['type'] === 'object' ? { ...closed, additionalProperties: false } : closed
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const entriesOf = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : [])
const member = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined)
