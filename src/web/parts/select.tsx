import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { Hint, Label } from './field.tsx'
import { Icon } from './icon.tsx'

export interface Option {
  readonly value: string
  readonly label: string
  readonly isDisabled?: boolean
}

export interface SelectProps {
  readonly label: ComponentChildren
  readonly note?: string
  readonly hint?: ComponentChildren
  readonly error?: string | undefined
  readonly value: string
  readonly options: readonly Option[]
  readonly onChange: (value: string) => void
  readonly isDisabled?: boolean
}

/** The browser's own: for choices of words alone. `Listbox` has pictures. */
export function Select({ label, note, hint, error, value, options, onChange, isDisabled }: SelectProps) {
  const id = useId()
  return (
    <div class="field">
      <Label id={id} label={label} {...(note === undefined ? {} : { note })} />
      <span class="input select">
        <select
          id={id}
          value={value}
          disabled={isDisabled}
          aria-describedby={`${id}-hint`}
          onChange={(event) => onChange(event.currentTarget.value)}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value} disabled={option.isDisabled}>
              {option.label}
            </option>
          ))}
        </select>
        <Icon name="chevron" />
      </span>
      <Hint id={id} hint={hint} error={error} />
    </div>
  )
}
