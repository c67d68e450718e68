import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../../client/api-error.ts'
import { type SharedLink, shareObject } from '../../../client/bucket-admin.ts'
import { formatExact } from '../../../format.ts'
import { inShell } from '../../../in-shell.ts'
import { uriOf } from '../../../links.ts'
import { Button } from '../../../parts/button.tsx'
import { CliHint } from '../../../parts/cli-hint.tsx'
import { Copy } from '../../../parts/copy.tsx'
import { Dialog } from '../../../parts/dialog.tsx'
import { ErrorState } from '../../../parts/error-state.tsx'
import { Note } from '../../../parts/note.tsx'
import { Select } from '../../../parts/select.tsx'

const SPANS = [
  { value: '900', label: '15 minutes' },
  { value: '3600', label: '1 hour' },
  { value: '86400', label: '1 day' },
  { value: '604800', label: '7 days, the longest' },
]

export interface ShareDialogProps {
  readonly bucket: string
  readonly objectKey: string
  readonly versionId: string | undefined
  readonly onClose: () => void
}

/** A link that lets whoever has it read this object for a while, as the one who made it may. */
export function ShareDialog({ bucket, objectKey, versionId, onClose }: ShareDialogProps) {
  const [seconds, setSeconds] = useState('3600')
  const [link, setLink] = useState<SharedLink>()
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const make = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      setLink(await shareObject({ bucket, key: objectKey, versionId, expiresInSeconds: Number(seconds) }))
    } catch (cause) {
      setError(toApiError(cause))
    }
    setBusy(false)
  }
  return (
    <Dialog
      title="Share a link"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" icon="link" isBusy={isBusy} onClick={() => void make()}>
            Create link
          </Button>
        </>
      }
    >
      <p>
        Whoever has the link can read <b>{objectKey}</b>, without signing in, until it ends. It reads with your rights:
        when they end, or the root key is disabled, so does the link.
      </p>
      <Select
        label="It works for"
        value={seconds}
        options={SPANS}
        onChange={(value) => {
          setSeconds(value)
          setLink(undefined)
        }}
      />
      {error && <ErrorState title="No link could be made." error={error} />}
      {link && (
        <Note tone="ok" icon="link" isLive>
          <span class="code-line">
            <code class="shared-link">{link.url}</code> <Copy text={link.url} label="Copy the link" />
          </span>
          <span class="muted small">Until {formatExact(link.expiresAt)}</span>
        </Note>
      )}
      <CliHint command={`aws s3 presign ${inShell(uriOf(bucket, objectKey))} --expires-in ${seconds}`} />
    </Dialog>
  )
}
