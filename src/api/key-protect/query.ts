import type { KeyFilter } from '../../kms/find-keys.ts'
import type { Page } from '../../kms/read-keys.ts'
import type { ApiRequest } from '../common/request.ts'
import { invalidQuery as invalid, parseFilter, statesOf } from './filter-query.ts'

const DEFAULT_LIMIT = 200
const MAX_LIMIT = 5000

/** Throws InvalidQuery. */
export function pageQuery({ query }: ApiRequest, defaultLimit: number = DEFAULT_LIMIT): Page {
  return {
    offset: wholeNumber(query, 'offset', 0, 0, Number.MAX_SAFE_INTEGER),
    limit: wholeNumber(query, 'limit', defaultLimit, 1, MAX_LIMIT),
  }
}

/** Throws InvalidQuery. */
export function keyFilterQuery(request: ApiRequest): KeyFilter {
  const extractable = booleanQuery(request, 'extractable')
  const states = request.query.get('state')
  const filter = parseFilter(request.query.get('filter') ?? '')
  // Key Protect: the filter and the older parameter exclude each other.
  if (filter.states && states) throw invalid('state', 'nothing, when the filter has states')
  if (filter.extractable !== undefined && extractable !== undefined) {
    throw invalid('extractable', 'nothing, when the filter has it')
  }
  return {
    ...(states ? { states: statesOf('state', states) } : {}),
    ...(extractable === undefined ? {} : { extractable }),
    ...filter,
  }
}

/** Throws InvalidQuery. */
export function booleanQuery({ query }: ApiRequest, name: string): boolean | undefined {
  const text = query.get(name)
  if (text === undefined || text === '') return undefined
  if (text !== 'true' && text !== 'false') throw invalid(name, 'true or false')
  return text === 'true'
}

function wholeNumber(
  query: ReadonlyMap<string, string>,
  name: string,
  missing: number,
  least: number,
  most: number,
): number {
  const text = query.get(name)
  if (text === undefined || text === '') return missing
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || value < least || value > most) throw invalid(name, `${least} to ${most}`)
  return value
}
