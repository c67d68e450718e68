import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { classes } from './class-names.ts'

export interface CheckboxProps {
  readonly label: ComponentChildren
  /** The label is read out and not shown, as in a table. */
  readonly isBare?: boolean
  readonly isChecked: boolean
  /** Some of what it stands for is chosen. */
  readonly isMixed?: boolean
  readonly isDisabled?: boolean
  readonly onChange: (isChecked: boolean) => void
}

export function Checkbox({ label, isBare = false, isChecked, isMixed = false, isDisabled, onChange }: CheckboxProps) {
  const box = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (box.current) box.current.indeterminate = isMixed
  }, [isMixed])
  return (
    <label class="checkbox">
      <input
        ref={box}
        type="checkbox"
        checked={isChecked}
        disabled={isDisabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span class={classes(isBare && 'sr-only')}>{label}</span>
    </label>
  )
}

export interface SwitchProps {
  readonly label: ComponentChildren
  readonly hint?: ComponentChildren
  readonly isOn: boolean
  readonly isDisabled?: boolean
  /** Why: shown in place of the hint. */
  readonly disabledBecause?: string | undefined
  readonly onChange: (isOn: boolean) => void
}

export function Switch({ label, hint, isOn, isDisabled = false, disabledBecause, onChange }: SwitchProps) {
  const id = useId()
  return (
    <div class="switch-row">
      <button
        type="button"
        class={classes('switch', isOn && 'on')}
        role="switch"
        aria-checked={isOn}
        aria-labelledby={`${id}-label`}
        aria-describedby={`${id}-hint`}
        disabled={isDisabled || disabledBecause !== undefined}
        onClick={() => onChange(!isOn)}
      />
      <div>
        <span class="switch-label" id={`${id}-label`}>
          {label}
        </span>
        <span class="hint" id={`${id}-hint`}>
          {disabledBecause ?? hint}
        </span>
      </div>
    </div>
  )
}

export interface RadioCardsProps<Value extends string> {
  readonly label: string
  readonly value: Value
  readonly options: readonly {
    readonly value: Value
    readonly title: ComponentChildren
    readonly text: ComponentChildren
    readonly isDisabled?: boolean
  }[]
  readonly onChange: (value: Value) => void
}

/** One of a few, each with what it means. */
export function RadioCards<Value extends string>({ label, value, options, onChange }: RadioCardsProps<Value>) {
  const name = useId()
  return (
    <fieldset class="radio-cards">
      <legend class="sr-only">{label}</legend>
      {options.map((option) => (
        <label key={option.value} class={classes('radio-card', option.value === value && 'on')}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            disabled={option.isDisabled}
            onChange={() => onChange(option.value)}
          />
          <span>
            <b>{option.title}</b>
            <span class="radio-text">{option.text}</span>
          </span>
        </label>
      ))}
    </fieldset>
  )
}
