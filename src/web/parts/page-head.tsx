import type { ComponentChildren } from 'preact'
import { useLayoutEffect } from 'preact/hooks'
import { headingIsThere } from './page-focus.ts'

export interface PageHeadProps {
  readonly title: ComponentChildren
  /** Beside the title: a chip with a state. */
  readonly mark?: ComponentChildren
  /** Before the title: a seal. */
  readonly figure?: ComponentChildren
  readonly sub?: ComponentChildren
  readonly actions?: ComponentChildren
}

/** The one `h1` of a page. It is where reading goes on after a change of page. */
export const PageHead = ({ title, mark, figure, sub, actions }: PageHeadProps) => (
  <div class="page-head">
    {figure !== undefined && <span class="page-figure">{figure}</span>}
    <div class="page-title">
      <PageHeading>{title}</PageHeading>
      {mark}
      {sub !== undefined && <div class="sub">{sub}</div>}
    </div>
    {actions !== undefined && <div class="page-actions">{actions}</div>}
  </div>
)

export function PageHeading({ children }: { readonly children: ComponentChildren }) {
  useLayoutEffect(headingIsThere, [])
  return (
    <h1 tabIndex={-1} id="page-title">
      {children}
    </h1>
  )
}
