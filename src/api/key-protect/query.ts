import { KEY_STATES, type KeyState } from '../../kms/key-states.ts'
import type { KeyFilter, Page } from '../../kms/read-keys.ts'
import type { ApiRequest } from '../common/request.ts'
import { protocolError } from './errors.ts'

const DEFAULT_LIMIT = 200
const MAX_LIMIT = 5000

/** Throws InvalidQuery. */
export function pageQuery({ query }: ApiRequest): Page {
  return {
    offset: wholeNumber(query, 'offset', 0, 0, Number.MAX_SAFE_INTEGER),
    limit: wholeNumber(query, 'limit', DEFAULT_LIMIT, 1, MAX_LIMIT),
  }
}

/** Throws InvalidQuery. */
export function keyFilterQuery(request: ApiRequest): KeyFilter {
  const extractable = booleanQuery(request, 'extractable')
  const states = request.query.get('state')
  return {
    ...(states === undefined || states === '' ? {} : { states: states.split(',').map(stateOf) }),
    ...(extractable === undefined ? {} : { extractable }),
  }
}

/** Throws InvalidQuery. */
export function booleanQuery({ query }: ApiRequest, name: string): boolean | undefined {
  const text = query.get(name)
  if (text === undefined || text === '') return undefined
  if (text !== 'true' && text !== 'false') throw invalid(name, 'true or false')
  return text === 'true'
}

function stateOf(text: string): KeyState {
  const state = KEY_STATES.find((known) => String(known) === text.trim())
  if (state === undefined) throw invalid('state', KEY_STATES.join(', '))
  return state
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

const invalid = (name: string, expected: string) =>
  protocolError('InvalidQuery', `the query parameter ${name} takes ${expected}`, { field: name })
