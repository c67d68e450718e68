import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Field } from '../../parts/field.tsx'

export interface NameDialogProps {
  readonly title: string
  readonly action: string
  /** Closes when it resolves. */
  readonly onAct: (name: string) => Promise<void>
  readonly onClose: () => void
}

/** Something is to be made that needs a name and no more. */
export function NameDialog({ title, action, onAct, onClose }: NameDialogProps) {
  const [name, setName] = useState('')
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (name.trim() === '' || isBusy) return
    setBusy(true)
    try {
      await onAct(name.trim())
      onClose()
    } catch (cause) {
      setError(toApiError(cause))
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form="name-it" isBusy={isBusy} isDisabled={name.trim() === ''}>
            {action}
          </Button>
        </>
      }
    >
      <form id="name-it" class="stack" onSubmit={(event) => void submit(event)}>
        <Field label="Name" value={name} onInput={setName} hasFocus isRequired hint="What it is for" />
        {error && <ErrorState title="It was not made." error={error} />}
      </form>
    </Dialog>
  )
}
