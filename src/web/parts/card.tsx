import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { classes } from './class-names.ts'

export interface CardProps {
  /** Left out: a frame without a head. */
  readonly title?: ComponentChildren
  /** Beside the title. */
  readonly note?: ComponentChildren
  /** At the right end of the head. */
  readonly actions?: ComponentChildren
  /** For a table, which reaches the edges. */
  readonly isFlush?: boolean
  readonly children: ComponentChildren
}

export function Card({ title, note, actions, isFlush = false, children }: CardProps) {
  const id = useId()
  return (
    <section class={classes('card', isFlush && 'flush')} aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && (
        <div class="card-head">
          <h2 id={id}>{title}</h2>
          {note !== undefined && <span class="muted small">{note}</span>}
          {actions !== undefined && <span class="card-actions">{actions}</span>}
        </div>
      )}
      <div class="card-body">{children}</div>
    </section>
  )
}
