import { useState } from 'preact/hooks'
import { IconButton } from './button.tsx'
import { announce } from './toast.tsx'

export interface CopyProps {
  readonly text: string
  /** Default: `Copy`. */
  readonly label?: string
}

const SHOWN_MS = 1500

export function Copy({ text, label = 'Copy' }: CopyProps) {
  const [isDone, setDone] = useState(false)
  const onClick = (): void => {
    copyText(text)
    announce('Copied')
    setDone(true)
    setTimeout(() => setDone(false), SHOWN_MS)
  }
  return <IconButton icon={isDone ? 'check' : 'copy'} label={isDone ? 'Copied' : label} isSmall onClick={onClick} />
}

/** Without TLS a browser has no clipboard, but for what is selected. */
export function copyText(text: string): void {
  if (window.isSecureContext) {
    void navigator.clipboard.writeText(text).catch(() => copySelected(text))
    return
  }
  copySelected(text)
}

function copySelected(text: string): void {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'sr-only'
  const host = document.querySelector('dialog[open]') ?? document.body
  const before = document.activeElement
  host.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
  if (before instanceof HTMLElement) before.focus()
}
