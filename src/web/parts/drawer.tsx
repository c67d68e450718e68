import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { IconButton } from './button.tsx'
import { classes } from './class-names.ts'
import { useModal } from './use-modal.ts'

export interface DrawerProps {
  readonly title: ComponentChildren
  readonly sub?: ComponentChildren
  /** Before the title: a seal. */
  readonly figure?: ComponentChildren
  /** At its foot: what goes on and what goes back. */
  readonly footer?: ComponentChildren
  /** 480 px in place of 640. */
  readonly isNarrow?: boolean
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** Over the right side of the page. Rendered while it is open. */
export function Drawer({ title, sub, figure, footer, isNarrow = false, onClose, children }: DrawerProps) {
  const id = useId()
  const dialog = useModal(onClose)
  return (
    <dialog ref={dialog} class={classes('drawer', isNarrow && 'narrow')} aria-labelledby={id}>
      <div class="drawer-head">
        {figure}
        <div>
          <h2 id={id}>{title}</h2>
          {sub !== undefined && <p class="sub">{sub}</p>}
        </div>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </div>
      <div class="drawer-body">{children}</div>
      {footer !== undefined && <div class="drawer-foot">{footer}</div>}
    </dialog>
  )
}
