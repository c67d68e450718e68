import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { useCurrentShown } from './use-current-shown.ts'

export interface Tab {
  readonly id: string
  readonly title: ComponentChildren
  readonly count?: number | undefined
}

export interface TabsProps {
  readonly label: string
  readonly tabs: readonly Tab[]
  readonly current: string
  readonly onChange: (id: string) => void
  /** Of the current tab. */
  readonly children: ComponentChildren
}

/** Arrows, Home and End go from tab to tab. Tabs that have addresses of their own are `TabLinks`. */
export function Tabs({ label, tabs, current, onChange, children }: TabsProps) {
  const id = useId()
  const list = useCurrentShown<HTMLDivElement>(current)
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = nextTab(
      event.key,
      tabs.findIndex((tab) => tab.id === current),
      tabs.length,
    )
    const tab = next === undefined ? undefined : tabs[next]
    if (!tab) return
    event.preventDefault()
    onChange(tab.id)
    list.current?.querySelectorAll('button')[next ?? 0]?.focus()
  }
  return (
    <>
      <div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={onKeyDown}>
        {tabs.map((tab) => (
          <button
            key={tab.id}
            type="button"
            class="tab"
            role="tab"
            id={`${id}-${tab.id}`}
            aria-selected={tab.id === current}
            aria-controls={`${id}-panel`}
            tabIndex={tab.id === current ? 0 : -1}
            onClick={() => onChange(tab.id)}
          >
            {tab.title}
            {tab.count !== undefined && <span class="tab-count">{tab.count}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${current}`}>
        {children}
      </div>
    </>
  )
}

function nextTab(key: string, at: number, count: number): number | undefined {
  if (key === 'ArrowRight') return (at + 1) % count
  if (key === 'ArrowLeft') return (at - 1 + count) % count
  if (key === 'Home') return 0
  return key === 'End' ? count - 1 : undefined
}

export interface TabLinksProps {
  readonly label: string
  readonly tabs: readonly (Tab & { readonly href: string })[]
  readonly current: string
}

/** Tabs that are pages: links. */
export function TabLinks({ label, tabs, current }: TabLinksProps) {
  const strip = useCurrentShown<HTMLElement>(current)
  return (
    <nav class="tabs" aria-label={label} ref={strip}>
      {tabs.map((tab) => (
        <a key={tab.id} class="tab" href={tab.href} aria-current={tab.id === current ? 'page' : undefined}>
          {tab.title}
          {tab.count !== undefined && <span class="tab-count">{tab.count}</span>}
        </a>
      ))}
    </nav>
  )
}
