import { API, callJson } from './http.ts'
import { isObject, type Json, listOf, member, textOf } from './json.ts'

/** One of the server's own documents. */
export interface ApiDocument {
  readonly title: string
  readonly description: string
  readonly version: string
  readonly operations: readonly ApiOperation[]
}

export interface ApiOperation {
  readonly id: string
  readonly method: string
  /** `/api/v2/keys/{id}`; behind `#`, what the query must say. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description: string
  readonly needsToken: boolean
  readonly parameters: readonly ApiParameter[]
  readonly body: ApiBody | undefined
  /** Of what it answers. */
  readonly reply: Json
  /** The same, when it is refused. */
  readonly refusal: Json
}

export interface ApiParameter {
  readonly name: string
  readonly place: 'path' | 'query' | 'header'
  readonly isRequired: boolean
  readonly description: string
  readonly schema: Json
}

export interface ApiBody {
  readonly type: string
  readonly isRequired: boolean
  readonly schema: Json
}

export async function readApiDocument(name: string, signal: AbortSignal): Promise<ApiDocument> {
  const document = await callJson(`${API}/openapi/${encodeURIComponent(name)}.json`, { signal })
  const info = member(document, 'info')
  return {
    title: textOf(info, 'title'),
    description: textOf(info, 'description'),
    version: textOf(info, 'version'),
    operations: entriesOf(member(document, 'paths')).flatMap(([path, item]) =>
      entriesOf(item).map(([method, operation]) =>
        operationOf(path, method, operation, member(member(document, 'components'), 'schemas')),
      ),
    ),
  }
}

const entriesOf = (value: Json): [string, Json][] => (isObject(value) ? Object.entries(value) : [])

const placeOf = (value: string): ApiParameter['place'] => (value === 'path' || value === 'header' ? value : 'query')

function operationOf(path: string, method: string, operation: Json, schemas: Json): ApiOperation {
  const [tag] = listOf(operation, 'tags')
  const [content] = entriesOf(member(member(operation, 'requestBody'), 'content'))
  const good = member(member(operation, 'responses'), '2XX')
  const [reply] = entriesOf(member(good, 'content'))
  const [refusal] = entriesOf(member(member(member(operation, 'responses'), 'default'), 'content'))
  return {
    ...{ id: textOf(operation, 'operationId'), method: method.toUpperCase(), path },
    tag: typeof tag === 'string' ? tag : '',
    ...{ summary: textOf(operation, 'summary'), description: textOf(operation, 'description') },
    needsToken: listOf(operation, 'security').length > 0,
    parameters: listOf(operation, 'parameters').map((one) => ({
      ...{ name: textOf(one, 'name'), place: placeOf(textOf(one, 'in')), description: textOf(one, 'description') },
      ...{ isRequired: member(one, 'required') === true, schema: member(one, 'schema') },
    })),
    body: content && {
      type: content[0],
      isRequired: member(member(operation, 'requestBody'), 'required') === true,
      schema: member(content[1], 'schema'),
    },
    reply: reply && member(reply[1], 'schema'),
    refusal: refusal && member(schemas, textOf(member(refusal[1], 'schema'), '$ref').replace(/.*\//, '')),
  }
}
