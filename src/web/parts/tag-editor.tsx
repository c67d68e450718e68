import { useEffect, useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../client/api-error.ts'
import type { Tag } from '../client/s3.ts'
import { Button, IconButton } from './button.tsx'
import { ChangedMeanwhile } from './changed-meanwhile.tsx'
import { ErrorState } from './error-state.tsx'
import { toast } from './toast.tsx'

export interface TagEditorProps {
  readonly tags: readonly Tag[]
  /** Why they cannot be changed. */
  readonly disabledBecause?: string | undefined
  readonly read: () => Promise<readonly Tag[]>
  /** Of all of them. Rejects with what was refused. */
  readonly onSave: (tags: readonly Tag[]) => Promise<void>
}

/** Names and values, put down together. */
export function TagEditor({ tags, disabledBecause, read, onSave }: TagEditorProps) {
  const [rows, setRows] = useState<readonly Tag[]>(tags)
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const [seen, setSeen] = useState<readonly Tag[]>(tags)
  const [newer, setNewer] = useState<readonly Tag[]>()
  const take = (all: readonly Tag[]): void => {
    setSeen(all)
    setNewer(undefined)
    setRows(all)
  }
  useEffect(() => take(tags), [JSON.stringify(tags)])
  const stored = JSON.stringify(seen)
  const change = (index: number, part: Partial<Tag>): void =>
    setRows(rows.map((row, at) => (at === index ? { ...row, ...part } : row)))
  const save = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      // S3 has no way to say: unless they are others by now.
      const now = await read()
      if (JSON.stringify(now) === stored) {
        await onSave(rows.filter(({ key }) => key !== ''))
        take(await read())
        toast('The tags were saved')
      } else setNewer(now)
    } catch (cause) {
      setError(toApiError(cause))
    }
    setBusy(false)
  }
  return (
    <form class="tag-editor" aria-label="Tags" onSubmit={(event) => void save(event)}>
      {rows.length === 0 && <p class="muted small">No tags yet.</p>}
      {rows.map((row, index) => (
        <div class="tag-row" key={index}>
          <span class="input">
            <input
              aria-label={`Name of tag ${index + 1}`}
              placeholder="name"
              value={row.key}
              maxLength={128}
              onInput={(event) => change(index, { key: event.currentTarget.value })}
            />
          </span>
          <span class="input">
            <input
              aria-label={`Value of tag ${index + 1}`}
              placeholder="value"
              value={row.value}
              maxLength={256}
              onInput={(event) => change(index, { value: event.currentTarget.value })}
            />
          </span>
          <IconButton
            icon="trash"
            label={`Remove ${row.key || `tag ${index + 1}`}`}
            onClick={() => setRows(rows.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      {newer && (
        <ChangedMeanwhile
          what="tags"
          theirs={newer.map(({ key, value }) => `${key}=${value}`).join('\n')}
          onTheirs={() => take(newer)}
          onMine={() => {
            setSeen(newer)
            setNewer(undefined)
          }}
        />
      )}
      {error && <ErrorState title="The tags could not be saved." error={error} />}
      <div class="row">
        <Button
          isSmall
          icon="plus"
          disabledBecause={disabledBecause}
          onClick={() => setRows([...rows, { key: '', value: '' }])}
        >
          Add a tag
        </Button>
        <Button
          isSmall
          kind="primary"
          type="submit"
          isBusy={isBusy}
          isDisabled={JSON.stringify(rows) === stored}
          disabledBecause={disabledBecause}
        >
          Save
        </Button>
      </div>
    </form>
  )
}
