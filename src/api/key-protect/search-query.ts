import type { KeySearch } from '../../kms/find-keys.ts'
import { SORT_PROPERTIES, type SortTerm } from '../../kms/sort-keys.ts'
import { invalidQuery } from './filter-query.ts'
import type { SearchAnswer } from './reply-schemas.ts'

const SCOPES = ['name', 'alias'] as const

/** `not:`, `exact:`, `name:`, `alias:` in any order before the text; after `escape:` all is text. Undefined for none. */
export function parseSearch(text: string): KeySearch | undefined {
  let query = text
  const options = new Set<string>()
  for (;;) {
    const [, option = '', rest = ''] = /^(not|exact|name|alias|escape):(.*)$/s.exec(query) ?? []
    if (option === '') break
    query = rest
    if (option === 'escape') break
    options.add(option)
  }
  if (query === '') return undefined
  const scopes = SCOPES.filter((scope) => options.has(scope))
  return {
    query,
    scopes: scopes.length > 0 ? scopes : SCOPES,
    not: options.has('not'),
    exact: options.has('exact'),
  }
}

/** `-creationDate,id`. Throws InvalidQuery. */
export function parseSort(text: string): SortTerm[] {
  return text.split(',').map((term) => {
    const descending = term.startsWith('-')
    const property = SORT_PROPERTIES.find((known) => known === (descending ? term.slice(1) : term))
    if (!property) throw invalidQuery('sort', `properties of ${SORT_PROPERTIES.join(', ')}, separated by commas`)
    return { property, descending }
  })
}

/** As the answer's metadata show it. */
export const searchResource = ({ query, scopes, not, exact }: KeySearch): SearchAnswer => ({
  query,
  scopes,
  ...(not && { not }),
  ...(exact && { exact }),
})
