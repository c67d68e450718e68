import { useRef } from 'preact/hooks'
import { keyInstances } from '../../client/session.ts'
import { Icon } from '../../parts/icon.tsx'
import { setQuery, usePlace } from '../../router.ts'
import { usePageKeys } from '../../shell/shortcuts.ts'
import { type StateFilter, standingOf } from './key-facts.ts'
import type { ListedKey } from './read-keys.ts'

const STATES: readonly (readonly [StateFilter, string])[] = [
  ['all', 'Any state'],
  ['active', 'Active'],
  ['due', 'Rotation due'],
  ['disabled', 'Disabled'],
  ['expired', 'Expired'],
  ['deleted', 'Deleted'],
]

export interface KeyFiltersProps {
  readonly keys: readonly ListedKey[]
  readonly note: string
}

export function KeyFilters({ keys, note }: KeyFiltersProps) {
  const { query } = usePlace()
  const field = useRef<HTMLInputElement>(null)
  usePageKeys({ '/': () => field.current?.focus() })
  const countOf = (state: StateFilter): number => keys.filter(({ key }) => standingOf(key).id === state).length
  return (
    <div class="filter-bar">
      <span class="input">
        <Icon name="search" size="small" />
        <input
          ref={field}
          type="search"
          aria-label="Filter by name, alias or id"
          placeholder="Name, alias or id"
          value={query.get('q') ?? ''}
          onInput={(event) => setQuery({ q: event.currentTarget.value || undefined })}
        />
      </span>
      <FilterSelect
        label="Instance"
        value={query.get('instance') ?? ''}
        options={[['', 'All instances'], ...keyInstances().map(({ guid, name }) => [guid, name] as const)]}
        onChange={(instance) => setQuery({ instance: instance || undefined })}
      />
      <FilterSelect
        label="State"
        value={query.get('state') ?? 'all'}
        options={STATES.map(([id, label]) => [id, id === 'all' ? label : `${label} (${countOf(id)})`] as const)}
        onChange={(state) => setQuery({ state: state === 'all' ? undefined : state })}
      />
      <span class="muted small end">{note}</span>
    </div>
  )
}

interface FilterSelectProps {
  readonly label: string
  readonly value: string
  readonly options: readonly (readonly [value: string, label: string])[]
  readonly onChange: (value: string) => void
}

const FilterSelect = ({ label, value, options, onChange }: FilterSelectProps) => (
  <span class="input select filter-select">
    <select aria-label={label} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      {options.map(([id, text]) => (
        <option key={id} value={id}>
          {text}
        </option>
      ))}
    </select>
    <Icon name="chevron" size="small" />
  </span>
)
