import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import { createServiceId, inviteUser } from '../../client/iam.ts'
import { inShell } from '../../in-shell.ts'
import { Button } from '../../parts/button.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { Drawer } from '../../parts/drawer.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Field } from '../../parts/field.tsx'
import { Note } from '../../parts/note.tsx'
import { toast } from '../../parts/toast.tsx'
import type { Identity } from './read-identities.ts'

export interface CreateIdentityProps {
  readonly kind: Identity['kind']
  readonly onClose: () => void
  readonly onDone: (iamId: string) => void
}

export function CreateIdentity({ kind, onClose, onDone }: CreateIdentityProps) {
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const isUser = kind === 'user'
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (name.trim() === '' || isBusy) return
    setBusy(true)
    setError(undefined)
    try {
      const iamId = isUser ? await inviteUser(name.trim()) : (await createServiceId(name.trim(), description)).iam_id
      toast(`${name.trim()} was added`)
      onDone(iamId)
    } catch (cause) {
      setError(toApiError(cause))
      setBusy(false)
    }
  }
  return (
    <Drawer
      isNarrow
      title={isUser ? 'Add user' : 'Create service ID'}
      sub={isUser ? 'A person of this account.' : 'An identity for a program.'}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form="new-identity" isBusy={isBusy} isDisabled={name.trim() === ''}>
            {isUser ? 'Add user' : 'Create service ID'}
          </Button>
        </>
      }
    >
      <form id="new-identity" class="stack" onSubmit={(event) => void submit(event)}>
        <Field label={isUser ? 'E-mail address' : 'Name'} value={name} onInput={setName} hasFocus isRequired />
        {!isUser && <Field label="Description" note="optional" value={description} onInput={setDescription} />}
        <Note>
          {isUser
            ? 'No mail is sent: they are there at once, without credentials. Give them a policy and a first API key next.'
            : 'It has no right and no credentials yet: give it a policy and a key next.'}
        </Note>
        {error && <ErrorState title="Nobody was added." error={error} />}
        <CliHint command={`coffer user create ${inShell(name || (isUser ? 'EMAIL' : 'NAME'))}`} />
      </form>
    </Drawer>
  )
}
