import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import { parameterInvalid } from './entity-protocol.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 200

/** What of a resource the parameters of a list compare, by the name of the parameter. */
export type Compared<Resource> = Readonly<Record<string, (resource: Resource) => string>>

interface Listed {
  readonly guid: string
  readonly updatedAtMs: number
}

/** `state=removed` lists what was deleted lately. Throws ParameterInvalid. */
export function wantedState({ query }: ApiRequest): 'active' | 'removed' {
  const state = query.get('state') ?? 'active'
  if (state !== 'active' && state !== 'removed') throw parameterInvalid('state is active or removed')
  return state
}

/** A page of what the parameters leave, in the order given. Throws ParameterInvalid. */
export function listReply<Resource>(
  request: ApiRequest,
  resources: readonly Resource[],
  about: (resource: Resource) => Listed,
  compared: Compared<Resource>,
  write: (resource: Resource) => object,
): Reply {
  const { query } = request
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT)
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) throw parameterInvalid(`limit is 1 to ${MAX_LIMIT}`)
  const from = timeOf(request, 'updated_from', 0)
  // A day that is named counts to its end.
  const to = timeOf(request, 'updated_to', Number.POSITIVE_INFINITY) + 86_400_000
  const found = resources.filter((resource) => {
    const { updatedAtMs } = about(resource)
    if (updatedAtMs < from || updatedAtMs >= to) return false
    return Object.entries(compared).every(([name, read]) => !query.has(name) || query.get(name) === read(resource))
  })
  const start = query.get('start')
  const at = start === undefined ? 0 : found.findIndex((resource) => about(resource).guid === start) + 1
  if (start !== undefined && at === 0) throw parameterInvalid('start is not a token of this list')
  const page = found.slice(at, at + limit)
  const last = page.at(-1)
  const next = last !== undefined && at + limit < found.length ? nextUrl(request, about(last).guid) : null
  return json(200, { rows_count: page.length, next_url: next, resources: page.map(write) })
}

function timeOf({ query }: ApiRequest, name: string, fallback: number): number {
  const text = query.get(name)
  if (text === undefined) return fallback
  const atMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(atMs)) throw parameterInvalid(`${name} is a date like 2026-01-31`)
  return atMs
}

function nextUrl({ rawPath, query }: ApiRequest, start: string): string {
  const parameters = new URLSearchParams([...query].filter(([name]) => name !== 'start'))
  parameters.set('start', start)
  return `${rawPath}?${parameters}`
}

export const isoTime = (atMs: number): string => new Date(atMs).toISOString()
