import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { classes } from './class-names.ts'
import { Icon } from './icon.tsx'

interface Labelled {
  readonly label: ComponentChildren
  /** Beside the label: `optional`. */
  readonly note?: string | undefined
  readonly hint?: ComponentChildren
  /** What is wrong with it: shown in place of the hint, and read out. */
  readonly error?: string | undefined
}

export interface FieldProps extends Labelled {
  readonly value: string
  readonly onInput: (value: string) => void
  readonly name?: string
  readonly type?: 'text' | 'password' | 'number' | 'date' | 'datetime-local' | 'search' | 'url'
  readonly placeholder?: string
  readonly autocomplete?: string
  readonly isRequired?: boolean
  readonly isDisabled?: boolean
  readonly hasFocus?: boolean
  /** It was looked at, and is right. */
  readonly isGood?: boolean
  /** Ids, keys and names are in a fixed pitch. */
  readonly isCode?: boolean
  readonly min?: number
  readonly max?: number
  readonly maxLength?: number
}

export function Field(props: FieldProps) {
  const { label, note, hint, error, value, onInput, name, type = 'text', isGood = false, isCode = false } = props
  const { placeholder, autocomplete = 'off', isRequired, isDisabled, hasFocus, min, max, maxLength } = props
  const id = useId()
  return (
    <div class="field">
      <Label id={id} label={label} note={note} />
      <span class={classes('input', error !== undefined && 'wrong', isGood && 'good')}>
        <input
          id={id}
          class={classes(isCode && 'code-input')}
          name={name}
          // The types tell of each kind of field by itself.
          type={type as 'text'}
          value={value}
          placeholder={placeholder}
          autocomplete={autocomplete}
          required={isRequired}
          disabled={isDisabled}
          min={min}
          max={max}
          maxLength={maxLength}
          spellcheck={false}
          autofocus={hasFocus}
          aria-invalid={error !== undefined}
          aria-describedby={`${id}-hint`}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
        {isGood && <Icon name="check" />}
      </span>
      <Hint id={id} hint={hint} error={error} />
    </div>
  )
}

export interface TextAreaProps extends Labelled {
  readonly value: string
  readonly onInput: (value: string) => void
  readonly rows?: number
  readonly isCode?: boolean
  readonly isReadOnly?: boolean
  readonly placeholder?: string
}

export function TextArea(props: TextAreaProps) {
  const { label, note, hint, error, value, onInput, rows = 4, isCode = false, isReadOnly = false, placeholder } = props
  const id = useId()
  return (
    <div class="field">
      <Label id={id} label={label} note={note} />
      <textarea
        id={id}
        class={classes('input', isCode && 'code-input', error !== undefined && 'wrong')}
        rows={rows}
        value={value}
        readOnly={isReadOnly}
        placeholder={placeholder}
        spellcheck={!isCode}
        aria-invalid={error !== undefined}
        aria-describedby={`${id}-hint`}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <Hint id={id} hint={hint} error={error} />
    </div>
  )
}

export const Label = ({ id, label, note }: { readonly id: string } & Pick<Labelled, 'label' | 'note'>) => (
  <label class="label" for={id}>
    {label}
    {note !== undefined && <span class="label-note">{note}</span>}
  </label>
)

/** The space for it stays, so that nothing jumps when there is something to say. */
export const Hint = ({ id, hint, error }: { readonly id: string } & Pick<Labelled, 'hint' | 'error'>) => (
  <span
    id={`${id}-hint`}
    class={classes('hint', error !== undefined && 'bad')}
    aria-live={error === undefined ? undefined : 'polite'}
  >
    {error ?? hint}
  </span>
)
