import type { ComponentChildren } from 'preact'
import { classes } from './class-names.ts'
import { Icon, type IconName } from './icon.tsx'

/** `brass`: of root keys. `dek`: of data keys. `ct`: of ciphertext, and what the provider manages. */
export type Tone = 'plain' | 'brass' | 'dek' | 'ct' | 'ok' | 'warn' | 'bad'

export interface ChipProps {
  readonly tone?: Tone
  readonly icon?: IconName
  readonly isSmall?: boolean
  /** A dot before the words. */
  readonly hasDot?: boolean
  readonly title?: string
  readonly href?: string
  readonly children: ComponentChildren
}

export function Chip({ tone = 'plain', icon, isSmall = false, hasDot = false, title, href, children }: ChipProps) {
  const name = classes('chip', tone !== 'plain' && tone, isSmall && 'small')
  const inside = (
    <>
      {hasDot && <span class="dot" />}
      {icon && <Icon name={icon} size="small" />}
      {children}
    </>
  )
  return href === undefined ? (
    <span class={name} title={title}>
      {inside}
    </span>
  ) : (
    <a class={name} href={href} title={title}>
      {inside}
    </a>
  )
}
