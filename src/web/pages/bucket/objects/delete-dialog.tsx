import { useRef, useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../../client/api-error.ts'
import type { Versioning } from '../../../client/s3.ts'
import { counted } from '../../../format.ts'
import { inShell } from '../../../in-shell.ts'
import { Button } from '../../../parts/button.tsx'
import { RadioCards } from '../../../parts/checkbox.tsx'
import { CliHint } from '../../../parts/cli-hint.tsx'
import { Dialog } from '../../../parts/dialog.tsx'
import { ErrorState } from '../../../parts/error-state.tsx'
import { Note } from '../../../parts/note.tsx'
import { toast } from '../../../parts/toast.tsx'
import { type DeleteProgress, deleteRows } from './deletion.ts'
import { keyOfRow, type Row } from './rows.ts'

export interface DeleteDialogProps {
  readonly bucket: string
  readonly rows: readonly Row[]
  readonly versioning: Versioning | undefined
  readonly onClose: () => void
  readonly onDone: () => void
}

const SHOWN = 6
const MOST_COMMANDS = 3

/** What would be gone, and whether it can come back, before anything is. */
export function DeleteDialog({ bucket, rows, versioning, onClose, onDone }: DeleteDialogProps) {
  const isVersions = rows.some(({ kind }) => kind === 'version')
  const keepsVersions = versioning === 'Enabled' && !isVersions
  const [way, setWay] = useState<'mark' | 'forever'>('mark')
  const [progress, setProgress] = useState<DeleteProgress>()
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const stop = useRef(new AbortController())
  const close = (): void => {
    stop.current.abort()
    onClose()
  }
  const run = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    stop.current = new AbortController()
    const everyVersion = versioning !== 'Off' && way === 'forever'
    try {
      const done = await deleteRows(bucket, rows, { everyVersion, signal: stop.current.signal }, setProgress)
      setBusy(false)
      if (done.failures.length > 0 || stop.current.signal.aborted) return
      toast(`${counted(done.deleted, isVersions || everyVersion ? 'version' : 'object')} deleted`)
      onDone()
    } catch (cause) {
      setBusy(false)
      setError(toApiError(cause))
    }
  }
  const [first] = rows
  const isForGood = isVersions || !keepsVersions || way === 'forever'
  return (
    <Dialog
      title={
        rows.length === 1 && first
          ? `Delete ${first.name}?`
          : `Delete ${counted(rows.length, 'selected entry', 'selected entries')}?`
      }
      onClose={close}
      footer={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button kind="destroy" isBusy={isBusy} onClick={() => void run()}>
            {isForGood ? 'Delete for good' : 'Delete'}
          </Button>
        </>
      }
    >
      <ul class="plain-list">
        {rows.slice(0, SHOWN).map((row) => (
          <li key={row.id}>
            <code>{keyOfRow(row)}</code>
            {row.kind === 'folder' && <span class="muted small"> and all that is in it</span>}
          </li>
        ))}
        {rows.length > SHOWN && <li class="muted small">and {counted(rows.length - SHOWN, 'more', 'more')}</li>}
      </ul>
      {keepsVersions && (
        <RadioCards
          label="How"
          value={way}
          options={[
            { value: 'mark', title: 'Mark as deleted', text: 'All versions stay, and each can be restored.' },
            { value: 'forever', title: 'Delete every version', text: 'Nothing of it is left. It cannot be undone.' },
          ]}
          onChange={setWay}
        />
      )}
      {isForGood && (
        <Note tone="bad" icon="alert">
          <b>This cannot be undone.</b>{' '}
          {rows.length === 1 && first?.kind !== 'folder'
            ? 'Its data key is deleted with it.'
            : 'The data keys are deleted with what they sealed.'}
        </Note>
      )}
      {progress && (
        <p role="status">
          {counted(progress.deleted, 'entry', 'entries')} deleted
          {progress.failures.length > 0 && `, ${counted(progress.failures.length, 'entry', 'entries')} refused`}
        </p>
      )}
      {progress?.failures.slice(0, 3).map((failure) => (
        <Note key={`${failure.key} ${failure.versionId}`} tone="bad" icon="alert">
          <code>{failure.key}</code>: {failure.message} ({failure.code})
        </Note>
      ))}
      {error && <ErrorState title="Not all could be deleted." error={error} />}
      {rows.length <= MOST_COMMANDS && (
        <CliHint command={rows.map((row) => commandOf(bucket, row, versioning !== 'Off' && isForGood)).join(' && ')} />
      )}
    </Dialog>
  )
}

const commandOf = (bucket: string, row: Row, everyVersion: boolean): string =>
  row.kind === 'version'
    ? `aws s3api delete-object --bucket ${bucket} --key ${inShell(row.object.key)} --version-id ${row.object.versionId}`
    : everyVersion
      ? `coffer object rm ${inShell(`${bucket}/${keyOfRow(row)}`)} --versions${row.kind === 'folder' ? ' --recursive' : ''}`
      : `aws s3 rm ${inShell(`s3://${bucket}/${keyOfRow(row)}`)}${row.kind === 'folder' ? ' --recursive' : ''}`
