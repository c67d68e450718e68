import { isUuid } from '../base/ids.ts'
import type { KeyEntry } from './catalog.ts'
import { type KmsContext, stateOf } from './context.ts'
import { kmsError } from './errors.ts'
import { KEY_STATE, type KeyState } from './key-states.ts'
import { compareKeys, type KeyDate, keyDate, type SortTerm } from './sort-keys.ts'

export interface KeyFilter {
  /** Default: every state but destroyed. */
  readonly states?: readonly KeyState[]
  readonly extractable?: boolean
  /** All must hold. */
  readonly dates?: readonly DateCondition[]
}

export interface DateCondition {
  readonly date: KeyDate
  /** A span of time from `at` to `at + spanMs`, which `eq` is in; `none`: the key has no such date. */
  readonly operator: 'eq' | 'lt' | 'lte' | 'gt' | 'gte' | 'none'
  readonly at: number
  readonly spanMs: number
}

export interface KeySearch {
  readonly query: string
  readonly scopes: readonly ('name' | 'alias')[]
  readonly not: boolean
  readonly exact: boolean
}

export interface KeyQuery extends KeyFilter {
  readonly search?: KeySearch
  /** Default: by id. */
  readonly sort?: readonly SortTerm[]
}

export interface FoundKeys {
  readonly entries: readonly KeyEntry[]
  /** There were too many to search in: only the key that the query names was looked up. */
  readonly incomplete: boolean
}

const DEFAULT_STATES: readonly KeyState[] = [
  KEY_STATE.preActive,
  KEY_STATE.active,
  KEY_STATE.suspended,
  KEY_STATE.deactivated,
]

/** Of the rings that `sees` holds for, by id. */
export function selectKeys(
  context: KmsContext,
  instanceId: string,
  filter: KeyFilter,
  sees: (ring: string) => boolean,
): KeyEntry[] {
  const passes = filterOf(context, filter, sees)
  return context.catalog.keysById(instanceId).filter(passes)
}

/** Sorted; a key that the search names by its id or alias comes first. Throws SearchTooBroad. */
export function findKeys(
  context: KmsContext,
  instanceId: string,
  { search, sort, ...filter }: KeyQuery,
  sees: (ring: string) => boolean,
): FoundKeys {
  const space = selectKeys(context, instanceId, filter, sees)
  const sorted = (entries: KeyEntry[]) => (sort ? entries.sort(compareKeys(context, sort)) : entries)
  if (!search) return { entries: sorted(space), incomplete: false }
  const named = keyNamedBy(context, instanceId, search, filterOf(context, filter, sees))
  const { searchLimit } = context.settings
  if (space.length > searchLimit) {
    if (named) return { entries: [named], incomplete: true }
    throw kmsError('SearchTooBroad', `a search looks through at most ${searchLimit} keys`, { limit: searchLimit })
  }
  const found = sorted(space.filter((entry) => entry !== named && matches(search, entry)))
  return { entries: named ? [named, ...found] : found, incomplete: false }
}

function filterOf(context: KmsContext, filter: KeyFilter, sees: (ring: string) => boolean) {
  const { states = DEFAULT_STATES, extractable, dates = [] } = filter
  return (entry: KeyEntry): boolean =>
    sees(entry.record.keyRingId) &&
    states.includes(stateOf(context, entry)) &&
    (extractable === undefined || entry.record.extractable === extractable) &&
    dates.every((condition) => holds(condition, keyDate(entry.record, condition.date)))
}

function holds({ operator, at, spanMs }: DateCondition, date: number | undefined): boolean {
  if (date === undefined) return operator === 'none'
  switch (operator) {
    case 'none':
      return false
    case 'eq':
      return date >= at && date < at + spanMs
    case 'lt':
      return date < at
    case 'lte':
      return date < at + spanMs
    case 'gt':
      return date >= at + spanMs
    case 'gte':
      return date >= at
  }
}

function keyNamedBy(
  { catalog }: KmsContext,
  instanceId: string,
  { query, scopes, not }: KeySearch,
  passes: (entry: KeyEntry) => boolean,
): KeyEntry | undefined {
  if (not || !(isUuid(query) || scopes.includes('alias'))) return undefined
  const entry = catalog.find(instanceId, query)
  return entry && passes(entry) ? entry : undefined
}

function matches({ query, scopes, not, exact }: KeySearch, { record, aliases }: KeyEntry): boolean {
  const wanted = query.toLowerCase()
  const has = (text: string) => (exact ? text.toLowerCase() === wanted : text.toLowerCase().includes(wanted))
  const found =
    (scopes.includes('name') && has(record.name)) || (scopes.includes('alias') && [...aliases.keys()].some(has))
  return found !== not
}
