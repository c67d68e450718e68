import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { classes } from './class-names.ts'
import { Hint } from './field.tsx'
import { Icon } from './icon.tsx'

export interface ListboxOption {
  readonly value: string
  /** For typing ahead. */
  readonly text: string
  /** As it is drawn in the list. */
  readonly row: ComponentChildren
  /** As it is drawn when it is chosen. Default: `row`. */
  readonly chosen?: ComponentChildren
  /** Shown, and cannot be chosen. */
  readonly isDisabled?: boolean
}

export interface ListboxProps {
  readonly label: ComponentChildren
  readonly hint?: ComponentChildren
  readonly error?: string | undefined
  readonly value: string | undefined
  readonly options: readonly ListboxOption[]
  readonly onChange: (value: string) => void
  readonly placeholder?: string
  /** Under the options: an action. */
  readonly footer?: ComponentChildren
}

/** A choice among things that are drawn, say root keys with their seals. Arrows, Home, End, typing, Enter and Escape. */
export function Listbox(props: ListboxProps) {
  const { label, hint, error, value, options, onChange, placeholder = 'Choose…', footer } = props
  const id = useId()
  const [isOpen, setOpen] = useState(false)
  /** Where somebody went in the list; options may come after it was opened. */
  const [gone, setActive] = useState<number>()
  const frame = useRef<HTMLDivElement>(null)
  const chosen = options.find((option) => option.value === value)
  const active = gone ?? (chosen ? options.indexOf(chosen) : options.findIndex(({ isDisabled }) => isDisabled !== true))

  useEffect(() => {
    if (!isOpen) return undefined
    const leave = (event: Event): void => {
      if (event.target instanceof Node && !frame.current?.contains(event.target)) setOpen(false)
    }
    document.addEventListener('pointerdown', leave)
    return () => {
      document.removeEventListener('pointerdown', leave)
      setActive(undefined)
    }
  }, [isOpen])

  const choose = (option: ListboxOption | undefined): void => {
    if (!option || option.isDisabled) return
    onChange(option.value)
    setOpen(false)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!isOpen) {
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault()
        setOpen(true)
      }
      return
    }
    const next = nextActive(event.key, active, options)
    if (next !== undefined) {
      event.preventDefault()
      setActive(next)
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault()
      choose(options[active])
    } else if (event.key === 'Escape') {
      event.preventDefault()
      event.stopPropagation()
      setOpen(false)
    } else if (event.key === 'Tab' && (footer === undefined || event.shiftKey)) setOpen(false)
  }

  return (
    <div
      class="field listbox"
      ref={frame}
      onFocusOut={({ relatedTarget }) => {
        if (relatedTarget instanceof Node && !frame.current?.contains(relatedTarget)) setOpen(false)
      }}
    >
      <span class="label" id={`${id}-label`}>
        {label}
      </span>
      <button
        type="button"
        class={classes('input', 'listbox-button', isOpen && 'open', error !== undefined && 'wrong')}
        role="combobox"
        aria-haspopup="listbox"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-labelledby={`${id}-label ${id}-value`}
        aria-describedby={`${id}-hint`}
        aria-activedescendant={isOpen && active >= 0 ? `${id}-${active}` : undefined}
        onClick={() => setOpen(!isOpen)}
        onKeyDown={onKeyDown}
      >
        <span class="listbox-value" id={`${id}-value`}>
          {chosen ? (chosen.chosen ?? chosen.row) : <span class="muted">{placeholder}</span>}
        </span>
        <Icon name="chevron" />
      </button>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a pointer takes the focus from the button no more than a key does */}
      <div class="listbox-panel" hidden={!isOpen} onMouseDown={(event) => event.preventDefault()}>
        <div role="listbox" id={`${id}-list`} aria-labelledby={`${id}-label`}>
          {options.map((option, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are heard by the button, which keeps the focus
            // biome-ignore lint/a11y/useFocusableInteractive: it is named by aria-activedescendant
            <div
              key={option.value}
              id={`${id}-${index}`}
              role="option"
              class={classes('listbox-option', index === active && 'active')}
              aria-selected={option.value === value}
              aria-disabled={option.isDisabled ?? false}
              onClick={() => choose(option)}
              onPointerMove={() => setActive(index)}
            >
              {option.row}
            </div>
          ))}
        </div>
        {footer !== undefined && <div class="listbox-footer">{footer}</div>}
      </div>
      <Hint id={id} hint={hint} error={error} />
    </div>
  )
}

function nextActive(key: string, active: number, options: readonly ListboxOption[]): number | undefined {
  const last = options.length - 1
  if (key === 'ArrowDown') return Math.min(last, active + 1)
  if (key === 'ArrowUp') return Math.max(0, active - 1)
  if (key === 'Home') return 0
  if (key === 'End') return last
  if (key.length !== 1 || key === ' ') return undefined
  const found = [...options.keys()].find((index) => {
    const at = (active + 1 + index) % options.length
    return options[at]?.text.toLowerCase().startsWith(key.toLowerCase())
  })
  return found === undefined ? undefined : (active + 1 + found) % options.length
}
