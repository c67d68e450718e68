import { z } from 'zod'
import { decodeBase64url } from '../../base/decode.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import { contextOf, parameterInvalid } from './entity-protocol.ts'

const DEFAULT_PAGE_SIZE = 20
const MAX_PAGE_SIZE = 100

/** The parameters of a list. A page token holds those of the first page, so that they need not be sent again. */
export interface ListQuery {
  readonly parameter: (name: string) => string | undefined
  readonly offset: number
  readonly pageSize: number
}

const tokenSchema = z.strictObject({ offset: z.int().min(0), query: z.record(z.string(), z.string()) })

/** Throws ParameterInvalid. Whatever a token says is checked like a query: anybody can write one. */
export function listQuery({ query }: ApiRequest): ListQuery {
  const token = query.get('pagetoken')
  const { offset, query: first } = token === undefined ? { offset: 0, query: {} } : readToken(token)
  const parameters = new Map([...Object.entries(first), ...query])
  const pageSize = Number(parameters.get('pagesize') ?? DEFAULT_PAGE_SIZE)
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE_SIZE) {
    throw parameterInvalid(`pagesize is 1 to ${MAX_PAGE_SIZE}`)
  }
  if (parameters.has('filter')) throw parameterInvalid('filter is not supported: name is')
  if (parameters.has('group_id')) throw parameterInvalid('there are no groups of service IDs')
  return { parameter: (name) => parameters.get(name), offset, pageSize }
}

function readToken(token: string): z.output<typeof tokenSchema> {
  try {
    return tokenSchema.parse(JSON.parse(decodeBase64url(token)?.toString('utf8') ?? ''))
  } catch {
    throw parameterInvalid('pagetoken is not one of this list')
  }
}

/** How to sort by each name of a property; the first one is the default. */
export type Sorting<Item> = Readonly<Record<string, (item: Item) => string | number>>

/** Throws ParameterInvalid. */
export function sorted<Item>(
  { parameter }: ListQuery,
  items: readonly Item[],
  sorting: Sorting<Item>,
): readonly Item[] {
  const by = parameter('sort') ?? Object.keys(sorting)[0] ?? ''
  const order = parameter('order') ?? 'asc'
  const key = Object.hasOwn(sorting, by) ? sorting[by] : undefined
  if (!key) throw parameterInvalid(`sort is one of ${Object.keys(sorting).join(', ')}`)
  if (order !== 'asc' && order !== 'desc') throw parameterInvalid('order is asc or desc')
  const ascending = [...items].sort((one, other) => compare(key(one), key(other)))
  return order === 'asc' ? ascending : ascending.reverse()
}

const compare = (one: string | number, other: string | number): number => (one < other ? -1 : one > other ? 1 : 0)

export function pageReply<Item>(
  request: ApiRequest,
  query: ListQuery,
  name: 'serviceids' | 'apikeys',
  items: readonly Item[],
  write: (item: Item) => object,
): Reply {
  const { offset, pageSize } = query
  const url = (at: number) => `${request.url}?pagetoken=${tokenFor(query, at)}`
  return json(200, {
    context: contextOf(request),
    offset,
    limit: pageSize,
    first: url(0),
    ...(offset > 0 ? { previous: url(Math.max(0, offset - pageSize)) } : {}),
    ...(offset + pageSize < items.length ? { next: url(offset + pageSize) } : {}),
    [name]: items.slice(offset, offset + pageSize).map(write),
  })
}

const KEPT = ['account_id', 'iam_id', 'name', 'pagesize', 'scope', 'type', 'sort', 'order', 'include_history']

function tokenFor({ parameter }: ListQuery, offset: number): string {
  const query = KEPT.flatMap((name) => {
    const value = parameter(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return Buffer.from(JSON.stringify({ offset, query: Object.fromEntries(query) })).toString('base64url')
}
