import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/**
 * The browser's own modal dialog: focus stays in it and returns to where it was, or to the heading of the page; what is behind is inert, Escape closes.
 * `element` is a `<dialog>`.
 */
export function useModal(onClose: () => void): RefObject<HTMLDialogElement | null> {
  const element = useRef<HTMLDialogElement>(null)
  const close = useRef(onClose)
  close.current = onClose
  useEffect(() => {
    const dialog = element.current
    if (!dialog) return undefined
    const before = document.activeElement
    const onCancel = (event: Event): void => {
      event.preventDefault()
      close.current()
    }
    const onClick = (event: MouseEvent): void => {
      if (event.target === dialog && isOutside(event, dialog)) close.current()
    }
    dialog.addEventListener('cancel', onCancel)
    dialog.addEventListener('pointerdown', onClick)
    dialog.showModal()
    dialog.querySelector<HTMLElement>('[autofocus]')?.focus()
    return () => {
      dialog.removeEventListener('cancel', onCancel)
      dialog.removeEventListener('pointerdown', onClick)
      dialog.close()
      if (before instanceof HTMLElement && before.isConnected && before !== document.body) before.focus()
      else document.querySelector<HTMLElement>('#page-title')?.focus({ preventScroll: true })
    }
  }, [])
  return element
}

/** On the backdrop, which belongs to the element. */
function isOutside({ clientX, clientY }: MouseEvent, dialog: HTMLDialogElement): boolean {
  const { left, right, top, bottom } = dialog.getBoundingClientRect()
  return clientX < left || clientX > right || clientY < top || clientY > bottom
}
