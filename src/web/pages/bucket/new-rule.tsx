import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import { ruleXml } from '../../client/lifecycle.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Field } from '../../parts/field.tsx'

export interface NewRuleDialogProps {
  readonly onClose: () => void
  /** Rejects with what was refused. */
  readonly onSave: (xml: string) => Promise<void>
}

const daysOf = (text: string): number | undefined => (text === '' ? undefined : Number(text))

export function NewRuleDialog({ onClose, onSave }: NewRuleDialogProps) {
  const [id, setId] = useState('')
  const [prefix, setPrefix] = useState('')
  const [expiration, setExpiration] = useState('')
  const [noncurrent, setNoncurrent] = useState('')
  const [abort, setAbort] = useState('')
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const missing =
    id === '' ? 'A name is needed' : expiration + noncurrent + abort === '' ? 'Say what it does' : undefined
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (missing !== undefined || isBusy) return
    setBusy(true)
    setError(undefined)
    const rule = { id, prefix, expirationDays: daysOf(expiration), noncurrentDays: daysOf(noncurrent) }
    await onSave(ruleXml({ ...rule, abortDays: daysOf(abort) })).catch((cause: unknown) => {
      setError(toApiError(cause))
      setBusy(false)
    })
  }
  return (
    <Dialog
      title="Add a rule"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form="new-rule" isBusy={isBusy} disabledBecause={missing}>
            Add rule
          </Button>
        </>
      }
    >
      <form id="new-rule" class="stack" onSubmit={(event) => void submit(event)}>
        <Field label="Name" value={id} onInput={setId} hasFocus maxLength={255} />
        <Field label="Prefix" note="optional" value={prefix} onInput={setPrefix} hint="Nothing: the whole bucket" />
        <Field label="Delete after" note="days" type="number" min={1} value={expiration} onInput={setExpiration} />
        <Field
          label="Delete earlier versions after"
          note="days"
          type="number"
          min={1}
          value={noncurrent}
          onInput={setNoncurrent}
        />
        <Field
          label="Drop unfinished uploads after"
          note="days"
          type="number"
          min={1}
          value={abort}
          onInput={setAbort}
        />
        {error && <ErrorState title="The rule was refused." error={error} />}
      </form>
    </Dialog>
  )
}
