import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Button } from '../../parts/button.tsx'
import { Chip } from '../../parts/chip.tsx'
import { Icon } from '../../parts/icon.tsx'
import { setQuery, usePlace } from '../../router.ts'
import { usePageKeys } from '../../shell/shortcuts.ts'

const CHOICES = [
  {
    name: 'kind',
    label: 'Kind',
    options: [
      ['', 'All kinds'],
      ['key', 'Root keys'],
      ['data-key', 'Data keys'],
      ['iam', 'Access'],
      ['activity', 'Requests'],
    ],
  },
  {
    name: 'outcome',
    label: 'Outcome',
    options: [
      ['', 'Any outcome'],
      ['success', 'Done'],
      ['failure', 'Refused or failed'],
    ],
  },
  {
    name: 'span',
    label: 'Time',
    options: [
      ['', 'Any time'],
      ['hour', 'Last hour'],
      ['day', 'Last 24 hours'],
      ['week', 'Last 7 days'],
    ],
  },
] as const

/** Of the address alone, without a field of their own. */
const NAMED = ['bucket', 'key', 'did'] as const

export function Filters() {
  const { query } = usePlace()
  const who = useRef<HTMLInputElement>(null)
  usePageKeys({ '/': () => who.current?.focus() })
  return (
    <div class="filter-bar activity-filters">
      <TextFilter name="who" label="Who" placeholder="Who" field={who} />
      <TextFilter name="what" label="What" placeholder="Bucket, object, key" />
      {CHOICES.map(({ name, label, options }) => (
        <span key={name} class="input select">
          <select
            aria-label={label}
            value={query.get(name) ?? ''}
            onChange={(event) => setQuery({ [name]: event.currentTarget.value || undefined })}
          >
            {options.map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
          <Icon name="chevron" size="small" />
        </span>
      ))}
      {NAMED.filter((name) => query.has(name)).map((name) => (
        <span key={name} class="row">
          <Chip tone="dek">
            {name}: {query.get(name)}
          </Chip>
          <Button kind="ghost" isSmall icon="close" onClick={() => setQuery({ [name]: undefined })}>
            Any {name}
          </Button>
        </span>
      ))}
    </div>
  )
}

interface TextFilterProps {
  readonly name: string
  readonly label: string
  readonly placeholder: string
  readonly field?: RefObject<HTMLInputElement | null>
}

/** The server is asked when somebody pauses. */
const PAUSE_MS = 300

function TextFilter({ name, label, placeholder, field }: TextFilterProps) {
  const { query } = usePlace()
  const asked = query.get(name) ?? ''
  const [text, setText] = useState(asked)
  useEffect(() => setText(asked), [asked])
  useEffect(() => {
    if (text === asked) return undefined
    const timer = setTimeout(() => setQuery({ [name]: text || undefined }), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <span class="input">
      <Icon name="search" size="small" />
      <input
        {...(field ? { ref: field } : {})}
        type="search"
        aria-label={label}
        placeholder={placeholder}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </span>
  )
}
