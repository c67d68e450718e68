import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { classes } from './class-names.ts'
import { Icon, type IconName } from './icon.tsx'

export interface MenuItem {
  readonly label: string
  readonly icon?: IconName
  readonly href?: string
  /** Of a link: what is there is a file to keep, and no page. */
  readonly isDownload?: boolean
  readonly onSelect?: () => void
  readonly isDanger?: boolean
  /** Why it cannot be done. */
  readonly disabledBecause?: string | undefined
}

export interface MenuProps {
  /** What the button is for: read out, and shown when it has no words. */
  readonly label: string
  readonly items: readonly (MenuItem | 'separator')[]
  /** In the button. Default: three dots. */
  readonly children?: ComponentChildren
  readonly buttonClass?: string
  /** Over the items. */
  readonly head?: ComponentChildren
}

/** Actions behind a button: arrows, Home, End, Escape, typing ahead. */
export function Menu({ label, items, children, buttonClass = 'icon-button', head }: MenuProps) {
  const id = useId()
  const [isOpen, setOpen] = useState(false)
  const frame = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const entries = () => [...(frame.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])]

  useEffect(() => {
    if (!isOpen) return undefined
    entries()[0]?.focus()
    const leave = (event: Event): void => {
      if (event.target instanceof Node && !frame.current?.contains(event.target)) setOpen(false)
    }
    document.addEventListener('pointerdown', leave)
    return () => document.removeEventListener('pointerdown', leave)
  }, [isOpen])

  const close = (): void => {
    setOpen(false)
    button.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!isOpen) return
    const all = entries()
    const at = all.findIndex((entry) => entry.matches(':focus'))
    const to = targetOf(event.key, at, all)
    if (to) {
      event.preventDefault()
      to.focus()
    } else if (event.key === 'Escape') {
      event.preventDefault()
      event.stopPropagation()
      close()
    } else if (event.key === 'Tab') setOpen(false)
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it hears the keys of the button and the items in it
    <div class="menu" ref={frame} onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        class={buttonClass}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={`${id}-menu`}
        aria-label={label}
        title={children === undefined ? label : undefined}
        onClick={() => setOpen(!isOpen)}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' || isOpen) return
          event.preventDefault()
          setOpen(true)
        }}
      >
        {children ?? <Icon name="more" />}
      </button>
      <div class="menu-panel" hidden={!isOpen}>
        {head !== undefined && <div class="menu-head">{head}</div>}
        <div role="menu" id={`${id}-menu`} aria-label={label}>
          {items.map((item, index) =>
            item === 'separator' ? <hr key={index} /> : <Entry key={item.label} item={item} onDone={close} />,
          )}
        </div>
      </div>
    </div>
  )
}

function Entry({ item, onDone }: { readonly item: MenuItem; readonly onDone: () => void }) {
  const { label, icon, href, isDownload = false, onSelect, isDanger = false, disabledBecause } = item
  const name = classes('menu-item', isDanger && 'danger')
  const inside = (
    <>
      {icon && <Icon name={icon} size="small" />}
      <span>
        {label}
        {disabledBecause !== undefined && <span class="menu-why">{disabledBecause}</span>}
      </span>
    </>
  )
  const select = (): void => {
    onDone()
    onSelect?.()
  }
  if (href !== undefined && disabledBecause === undefined) {
    return (
      <a
        class={name}
        role="menuitem"
        tabIndex={-1}
        href={href}
        onClick={select}
        {...(isDownload ? { download: '' } : {})}
      >
        {inside}
      </a>
    )
  }
  const isOff = disabledBecause !== undefined
  return (
    <button
      type="button"
      class={name}
      role="menuitem"
      tabIndex={-1}
      aria-disabled={isOff}
      onClick={() => {
        if (!isOff) select()
      }}
    >
      {inside}
    </button>
  )
}

function targetOf(key: string, at: number, all: readonly HTMLElement[]): HTMLElement | undefined {
  if (key === 'ArrowDown') return all[(at + 1) % all.length]
  if (key === 'ArrowUp') return all[(at - 1 + all.length) % all.length]
  if (key === 'Home') return all[0]
  if (key === 'End') return all.at(-1)
  if (key.length !== 1 || key === ' ') return undefined
  const later = [...all.slice(at + 1), ...all.slice(0, at + 1)]
  return later.find((entry) => entry.textContent?.trim().toLowerCase().startsWith(key.toLowerCase()))
}
