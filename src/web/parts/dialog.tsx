import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { IconButton } from './button.tsx'
import { useModal } from './use-modal.ts'

export interface DialogProps {
  readonly title: ComponentChildren
  readonly footer?: ComponentChildren
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** In the middle of the page. Rendered while it is open. */
export function Dialog({ title, footer, onClose, children }: DialogProps) {
  const id = useId()
  const dialog = useModal(onClose)
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={id}>
      <div class="drawer-head">
        <h2 id={id}>{title}</h2>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </div>
      <div class="drawer-body">{children}</div>
      {footer !== undefined && <div class="drawer-foot">{footer}</div>}
    </dialog>
  )
}
