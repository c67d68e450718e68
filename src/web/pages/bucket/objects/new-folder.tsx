import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../../client/api-error.ts'
import { announceChange } from '../../../client/changes.ts'
import { objectPath } from '../../../client/s3-path.ts'
import { upload } from '../../../client/upload-part.ts'
import { inShell } from '../../../in-shell.ts'
import { Button } from '../../../parts/button.tsx'
import { CliHint } from '../../../parts/cli-hint.tsx'
import { Dialog } from '../../../parts/dialog.tsx'
import { ErrorState } from '../../../parts/error-state.tsx'
import { Field } from '../../../parts/field.tsx'

export interface NewFolderProps {
  readonly bucket: string
  readonly prefix: string
  readonly onClose: () => void
  readonly onDone: (prefix: string) => void
}

/** S3 knows no folders: an empty object whose key ends with a slash stands for one. */
export function NewFolder({ bucket, prefix, onClose, onDone }: NewFolderProps) {
  const [name, setName] = useState('')
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const key = `${prefix}${name}/`
  const problem = name.includes('/') ? 'No slash in it: make the folders one after the other.' : undefined
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (name === '' || problem !== undefined || isBusy) return
    setBusy(true)
    try {
      await upload({
        url: objectPath(bucket, key),
        body: new Blob([]),
        headers: { 'content-type': 'application/x-directory' },
      })
      announceChange('objects')
      onDone(key)
    } catch (cause) {
      setError(toApiError(cause))
      setBusy(false)
    }
  }
  return (
    <Dialog
      title="New folder"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            type="submit"
            form="new-folder"
            isBusy={isBusy}
            disabledBecause={name === '' || problem !== undefined ? 'A name is needed' : undefined}
          >
            Create folder
          </Button>
        </>
      }
    >
      <form id="new-folder" class="stack" onSubmit={(event) => void submit(event)}>
        <Field label="Name" value={name} onInput={setName} hasFocus error={problem} hint={`In ${bucket}/${prefix}`} />
        {error && <ErrorState title="The folder could not be made." error={error} />}
        <CliHint command={`aws s3api put-object --bucket ${bucket} --key ${inShell(`${prefix}${name || 'NAME'}/`)}`} />
      </form>
    </Dialog>
  )
}
