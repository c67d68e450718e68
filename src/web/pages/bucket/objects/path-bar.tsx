import type { RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { objectsHref } from '../../../links.ts'
import { Icon } from '../../../parts/icon.tsx'
import { navigate } from '../../../router.ts'

export interface PathBarProps {
  readonly bucket: string
  readonly prefix: string
  readonly input: RefObject<HTMLInputElement | null>
}

/** Where one is, each step a link, and a box for a prefix to go to. */
export function PathBar({ bucket, prefix, input }: PathBarProps) {
  const [text, setText] = useState('')
  useEffect(() => setText(''), [prefix])
  const steps = prefix.split('/').slice(0, -1)
  const rest = prefix.slice(prefix.lastIndexOf('/') + 1)
  const go = (event: Event): void => {
    event.preventDefault()
    if (text === '' && rest === '') return
    navigate(objectsHref(bucket, prefix.slice(0, prefix.length - rest.length) + text.replace(/^\/+/, '')))
    input.current?.blur()
  }
  const up = steps.length === 0 ? undefined : prefix.slice(0, prefix.lastIndexOf('/', prefix.length - 2) + 1)
  return (
    <form class="path-bar" aria-label="Prefix" onSubmit={go}>
      <Icon name="folder" size="small" />
      <nav aria-label="Folders" class="path-steps">
        {prefix === '' ? <b>{bucket}</b> : <a href={objectsHref(bucket)}>{bucket}</a>}
        {steps.map((step, index) => {
          const to = `${steps.slice(0, index + 1).join('/')}/`
          return (
            <span key={to}>
              <span class="path-separator">/</span>
              {to === prefix ? <b>{step}</b> : <a href={objectsHref(bucket, to)}>{step === '' ? '(empty)' : step}</a>}
            </span>
          )
        })}
        <span class="path-separator">/</span>
      </nav>
      <input
        ref={input}
        aria-label="Type a prefix"
        placeholder={rest === '' ? 'type a prefix…' : rest}
        value={text}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Backspace' && text === '' && rest === '' && up !== undefined)
            navigate(objectsHref(bucket, up))
          if (event.key === 'Escape') event.currentTarget.blur()
        }}
      />
      <kbd>/</kbd>
    </form>
  )
}
