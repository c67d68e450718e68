import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import { announceChange } from '../../client/changes.ts'
import { Button } from '../../parts/button.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { Drawer } from '../../parts/drawer.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Field } from '../../parts/field.tsx'
import { Seal } from '../../parts/seal.tsx'

export interface ActionDrawerProps {
  readonly title: string
  readonly sub: string
  /** Default: the brass seal. */
  readonly figure?: ComponentChildren
  /** To be typed before anything is done. */
  readonly typed?: string | undefined
  readonly command: string
  /** Beside what is to be typed. */
  readonly fields?: ComponentChildren
  /** At the left of the foot. */
  readonly note?: ComponentChildren
  readonly keep?: string
  readonly action: string
  readonly kind?: 'primary' | 'destroy'
  /** Why it cannot be done as things are. */
  readonly blockedBecause?: string | undefined
  readonly failed: string
  /** Closes when it resolves. */
  readonly onAct: () => Promise<void>
  readonly onClose: () => void
  readonly children?: ComponentChildren
}

/** What is done to something that others depend on: first what comes of it, then the button. */
export function ActionDrawer(props: ActionDrawerProps) {
  const { title, sub, figure, typed, command, note, keep = 'Cancel', action, kind = 'primary' } = props
  const { blockedBecause, failed, fields, onAct, onClose, children } = props
  const [text, setText] = useState('')
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const isReady = typed === undefined || text.trim() === typed
  const act = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (!isReady || isBusy || blockedBecause !== undefined) return
    setBusy(true)
    setError(undefined)
    try {
      await onAct()
      onClose()
    } catch (cause) {
      setError(toApiError(cause))
      setBusy(false)
      // Somebody may have been faster: the page behind says how things are.
      announceChange('keys', 'access')
    }
  }
  const confirm = typed !== undefined && blockedBecause === undefined && (
    <Field
      label={
        <span>
          Type <code>{typed}</code> to confirm
        </span>
      }
      value={text}
      onInput={setText}
      isCode
      hasFocus={fields === undefined}
    />
  )
  return (
    <Drawer
      title={title}
      sub={sub}
      figure={figure ?? <Seal size={44} />}
      onClose={onClose}
      footer={
        <>
          {note !== undefined && <span class="muted small">{note}</span>}
          <Button onClick={onClose}>{keep}</Button>
          <Button
            kind={kind}
            type="submit"
            form="act"
            isBusy={isBusy}
            isDisabled={!isReady}
            disabledBecause={blockedBecause}
          >
            {action}
          </Button>
        </>
      }
    >
      {children}
      <form id="act" class="stack" onSubmit={(event) => void act(event)}>
        {fields === undefined ? (
          confirm
        ) : (
          <div class="columns">
            {fields}
            {confirm}
          </div>
        )}
        {error && <ErrorState title={failed} error={error} />}
        <CliHint command={command} />
      </form>
    </Drawer>
  )
}
