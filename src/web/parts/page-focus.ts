let before: Element | null | undefined

/**
 * Another page is shown: reading goes on at its heading, as soon as there is one. What a page reads first may come before
 * it; whoever has gone somewhere else in the meantime, or into a dialog, stays there.
 */
export function startAtHeading(): void {
  before = document.activeElement
  headingIsThere()
}

/** To be called when a heading is put into the page. */
export function headingIsThere(): void {
  const heading = document.querySelector<HTMLElement>('#page-title')
  if (before === undefined || !heading) return
  const { activeElement } = document
  const isStill = activeElement === before || activeElement === null || activeElement === document.body
  before = undefined
  if (isStill && !document.querySelector('dialog[open]')) heading.focus({ preventScroll: true })
}
