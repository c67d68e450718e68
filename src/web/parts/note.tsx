import type { ComponentChildren } from 'preact'
import { classes } from './class-names.ts'
import { Icon, type IconName } from './icon.tsx'

export interface NoteProps {
  readonly tone?: 'plain' | 'ok' | 'warn' | 'bad'
  readonly icon?: IconName
  readonly actions?: ComponentChildren
  /** It came up by itself, and is read out. */
  readonly isLive?: boolean
  readonly children: ComponentChildren
}

export const Note = ({ tone = 'plain', icon = 'info', actions, isLive = false, children }: NoteProps) => (
  <div class={classes('note', tone !== 'plain' && tone)} role={isLive ? 'status' : undefined}>
    <Icon name={icon} />
    <div>{children}</div>
    {actions !== undefined && <span class="note-actions">{actions}</span>}
  </div>
)
