import type { DateCondition, KeyFilter } from '../../kms/find-keys.ts'
import { KEY_STATES, type KeyState } from '../../kms/key-states.ts'
import { KEY_DATES, type KeyDate } from '../../kms/sort-keys.ts'
import { protocolError } from './errors.ts'

const MAX_OF_ONE_PROPERTY = 3
const SECOND_MS = 1000
const DAY_MS = 86_400_000

/** `creationDate=gte:"2022-02-15T00:00:00Z" state=1,2 extractable=false`: all must hold. Throws InvalidQuery. */
export function parseFilter(text: string): KeyFilter {
  const terms = splitTerms(text)
  const of = (property: string) => terms.filter((term) => term.property === property).map(({ value }) => value)
  const tooMany = terms.find(({ property }) => of(property).length > MAX_OF_ONE_PROPERTY)
  if (tooMany) throw invalid(`${tooMany.property} at most ${MAX_OF_ONE_PROPERTY} times`)
  const states = of('state').map((value) => statesOf('filter', value))
  const extractables = of('extractable').map(booleanOf)
  const dates = terms.flatMap(({ property, value }) => {
    const date = KEY_DATES.find((known) => known === property)
    return date ? [conditionOf(date, value)] : []
  })
  const contradictory = new Set(extractables).size > 1
  const [extractable] = extractables
  return {
    ...(states.length > 0 || contradictory ? { states: contradictory ? [] : inAll(states) } : {}),
    ...(extractable === undefined ? {} : { extractable }),
    ...(dates.length > 0 ? { dates } : {}),
  }
}

/** States as `1,2,5`, of the query parameter `name`. Throws InvalidQuery. */
export function statesOf(name: string, text: string): KeyState[] {
  return text.split(',').map((one) => {
    const state = KEY_STATES.find((known) => String(known) === one.trim())
    if (state === undefined) throw invalidQuery(name, `states of ${KEY_STATES.join(', ')}`)
    return state
  })
}

export const invalidQuery = (name: string, expected: string) =>
  protocolError('InvalidQuery', `the query parameter ${name} takes ${expected}`, { field: name })

const invalid = (expected: string) => invalidQuery('filter', expected)

interface Term {
  readonly property: string
  readonly value: string
}

const PROPERTIES: readonly string[] = ['state', 'extractable', ...KEY_DATES]

function splitTerms(text: string): Term[] {
  return text
    .split(' ')
    .filter((term) => term !== '')
    .map((term) => {
      const at = term.indexOf('=')
      const property = term.slice(0, Math.max(at, 0))
      if (!PROPERTIES.includes(property)) throw invalid(`terms like property=value of ${PROPERTIES.join(', ')}`)
      return { property, value: term.slice(at + 1) }
    })
}

function booleanOf(text: string): boolean {
  const word = text.toLowerCase()
  if (word !== 'true' && word !== 'false') throw invalid('true or false for extractable')
  return word === 'true'
}

const inAll = (lists: readonly (readonly KeyState[])[]): KeyState[] =>
  KEY_STATES.filter((state) => lists.every((list) => list.includes(state)))

const DATE = /^(?:(lte|lt|gte|gt):)?"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))"$/

function conditionOf(date: KeyDate, value: string): DateCondition {
  if (value.toLowerCase() === 'none') return { date, operator: 'none', at: 0, spanMs: 0 }
  const [, operator, text = ''] = DATE.exec(value) ?? []
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw invalid(`a date like gte:"2022-02-15T00:00:00Z" or none for ${date}`)
  if (operator === 'lt' || operator === 'lte' || operator === 'gt' || operator === 'gte') {
    return { date, operator, at, spanMs: SECOND_MS }
  }
  // Key Protect: a date at midnight, without an operator, is the whole day; dates are shown in seconds.
  return { date, operator: 'eq', at, spanMs: at % DAY_MS === 0 ? DAY_MS : SECOND_MS }
}
