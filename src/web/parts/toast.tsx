import { toApiError } from '../client/api-error.ts'
import { createStore, useStore } from '../client/store.ts'
import { IconButton } from './button.tsx'
import { classes } from './class-names.ts'
import { Icon } from './icon.tsx'

interface Message {
  readonly id: number
  readonly text: string
  readonly tone: 'ok' | 'bad'
}

const messages = createStore<readonly Message[]>([])
const spoken = createStore('')
let lastId = 0

const OK_MS = 5000

/** Says that something was done. What went wrong stays until it is closed. */
export function toast(text: string, tone: Message['tone'] = 'ok'): void {
  const id = ++lastId
  messages.set([...messages.get(), { id, text, tone }])
  announce(text)
  if (tone === 'ok') setTimeout(() => dismiss(id), OK_MS)
}

/** Of what no form is open for: says that it was done, or else what went wrong. Answers whether it was done. */
export async function told(work: Promise<unknown>, text?: string): Promise<boolean> {
  try {
    await work
    if (text !== undefined) toast(text)
    return true
  } catch (error) {
    toast(toApiError(error).message, 'bad')
    return false
  }
}

/** To those who do not see the page, of what goes on without them. */
export const announce = (text: string): void => spoken.set(text)

const dismiss = (id: number): void => messages.set(messages.get().filter((message) => message.id !== id))

/** Once in the page. */
export function Toasts() {
  const shown = useStore(messages)
  const text = useStore(spoken)
  return (
    <>
      <div class="sr-only" role="status" aria-live="polite">
        {text}
      </div>
      <section class="toasts" aria-label="Messages">
        {shown.map((message) => (
          <div key={message.id} class={classes('toast', message.tone)}>
            <Icon name={message.tone === 'ok' ? 'check' : 'alert'} />
            <span>{message.text}</span>
            <IconButton icon="close" label="Dismiss" isSmall onClick={() => dismiss(message.id)} />
          </div>
        ))}
      </section>
    </>
  )
}
