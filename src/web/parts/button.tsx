import type { ComponentChildren } from 'preact'
import { classes } from './class-names.ts'
import { Icon, type IconName } from './icon.tsx'

export interface ButtonProps {
  /** Default: `plain`. `danger`: leads to what cannot be undone easily; `destroy`: does it. */
  readonly kind?: 'plain' | 'primary' | 'danger' | 'destroy' | 'ghost'
  readonly icon?: IconName
  readonly isSmall?: boolean
  /** A link that looks like a button. */
  readonly href?: string
  /** Of a link: what is there is a file to keep, and no page. */
  readonly isDownload?: boolean
  /** Of a link: it leaves the console's pages, in this window or a new one. */
  readonly leaves?: 'here' | 'new-window' | undefined
  readonly type?: 'button' | 'submit'
  readonly form?: string
  readonly isDisabled?: boolean
  /** Why: shown, and read out. Such a button can still be reached. */
  readonly disabledBecause?: string | undefined
  /** Something is being done: it cannot be pressed again. */
  readonly isBusy?: boolean
  readonly onClick?: (event: MouseEvent) => void
  readonly children: ComponentChildren
}

export function Button(props: ButtonProps) {
  const {
    kind = 'plain',
    icon,
    isSmall = false,
    href,
    type = 'button',
    form,
    isBusy = false,
    onClick,
    children,
  } = props
  const { isDisabled = false, isDownload = false, leaves, disabledBecause } = props
  const name = classes('button', kind !== 'plain' && kind, isSmall && 'small', isBusy && 'busy')
  const inside = (
    <>
      {isBusy ? <span class="spinner" /> : icon && <Icon name={icon} size="small" />}
      <span>{children}</span>
    </>
  )
  const isOff = isBusy || disabledBecause !== undefined
  if (href !== undefined && !isOff && !isDisabled) {
    return (
      <a
        class={name}
        href={href}
        {...(isDownload ? { download: '' } : {})}
        {...(leaves === 'here' ? { 'data-plain': '' } : leaves ? { target: '_blank' } : {})}
        {...(onClick ? { onClick } : {})}
      >
        {inside}
      </a>
    )
  }
  return (
    <button
      class={name}
      type={type}
      form={form}
      disabled={isDisabled}
      aria-disabled={isOff}
      aria-busy={isBusy}
      title={disabledBecause}
      onClick={(event) => {
        if (isOff) event.preventDefault()
        else onClick?.(event)
      }}
    >
      {inside}
    </button>
  )
}

export interface IconButtonProps {
  readonly icon: IconName
  /** What it does: read out, and shown when pointed at. */
  readonly label: string
  readonly hasBorder?: boolean
  readonly isSmall?: boolean
  readonly isPressed?: boolean
  readonly onClick: (event: MouseEvent) => void
}

export const IconButton = ({
  icon,
  label,
  hasBorder = false,
  isSmall = false,
  isPressed,
  onClick,
}: IconButtonProps) => (
  <button
    type="button"
    class={classes('icon-button', hasBorder && 'bordered', isSmall && 'small')}
    aria-label={label}
    aria-pressed={isPressed}
    title={label}
    onClick={onClick}
  >
    <Icon name={icon} {...(isSmall ? { size: 'small' as const } : {})} />
  </button>
)
