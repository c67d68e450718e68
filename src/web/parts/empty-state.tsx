import type { ComponentChildren } from 'preact'

export interface EmptyStateProps {
  /** A seal, a letter, a block, or an icon. */
  readonly figure?: ComponentChildren
  readonly title: ComponentChildren
  /** One sentence. */
  readonly text?: ComponentChildren
  /** The one thing to do. */
  readonly action?: ComponentChildren
}

export const EmptyState = ({ figure, title, text, action }: EmptyStateProps) => (
  <div class="empty">
    {figure}
    <b>{title}</b>
    {text !== undefined && <p>{text}</p>}
    {action}
  </div>
)
