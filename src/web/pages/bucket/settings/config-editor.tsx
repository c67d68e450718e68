import { useEffect, useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../../client/api-error.ts'
import { deleteBucketConfig, getBucketConfig, putBucketConfig } from '../../../client/s3.ts'
import { Button } from '../../../parts/button.tsx'
import { Card } from '../../../parts/card.tsx'
import { ChangedMeanwhile } from '../../../parts/changed-meanwhile.tsx'
import { ErrorState } from '../../../parts/error-state.tsx'
import { TextArea } from '../../../parts/field.tsx'
import { Loaded } from '../../../parts/loaded.tsx'
import { toast } from '../../../parts/toast.tsx'
import { useLoad } from '../../../use-load.ts'
import { storageName } from '../../../use-rights.ts'

export interface ConfigEditorProps {
  readonly bucket: string
  /** As S3 asks for it: `policy`, `cors`. */
  readonly name: string
  readonly title: string
  readonly note: string
  readonly placeholder: string
  readonly isJson?: boolean
  /** Why it cannot be changed. */
  readonly refusal: string | undefined
}

/** A document of the bucket as it is written. What the server finds wrong with it is said under it. */
export function ConfigEditor(props: ConfigEditorProps) {
  const { bucket, name, title, note, placeholder, isJson = false, refusal } = props
  const read = async (signal?: AbortSignal): Promise<string> => (await getBucketConfig(bucket, name, signal)) ?? ''
  const stored = useLoad(read, [bucket, name])
  const [text, setText] = useState('')
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const [seen, setSeen] = useState('')
  const [newer, setNewer] = useState<string>()
  const legible = isJson ? pretty : String
  const take = (value: string): void => {
    setSeen(value)
    setNewer(undefined)
    setText(legible(value))
  }
  useEffect(() => take(stored.value ?? ''), [stored.value])
  const shown = legible(seen)
  const problem = isJson ? problemOfJson(text) : undefined
  const run = async (work: () => Promise<void>, done: string): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      // S3 has no way to say: unless it is another by now.
      const now = await read()
      if (now === seen) {
        await work()
        take(await read())
        toast(done)
      } else setNewer(now)
    } catch (cause) {
      setError(toApiError(cause))
    }
    setBusy(false)
  }
  return (
    <Card title={title} note={note}>
      <Loaded
        load={stored}
        failed={`The ${title.toLowerCase()} could not be read.`}
        needs={`Manager on ${storageName()}`}
        skeletonRows={3}
      >
        {() => (
          <div class="stack tight">
            <TextArea
              label={`${title}, as ${isJson ? 'JSON' : 'XML'}`}
              value={text}
              onInput={setText}
              rows={text === '' ? 4 : 10}
              isCode
              placeholder={placeholder}
              error={problem}
            />
            {newer !== undefined && (
              <ChangedMeanwhile
                what={title === 'CORS' ? title : title.toLowerCase()}
                theirs={legible(newer)}
                onTheirs={() => take(newer)}
                onMine={() => {
                  setSeen(newer)
                  setNewer(undefined)
                }}
              />
            )}
            {error && <ErrorState title={`The ${title.toLowerCase()} was refused.`} error={error} />}
            <div class="row">
              <Button
                isSmall
                kind="primary"
                isBusy={isBusy}
                disabledBecause={refusal}
                isDisabled={text === shown || text.trim() === '' || problem !== undefined}
                onClick={() => void run(() => putBucketConfig(bucket, name, text.trim()), `${title} saved`)}
              >
                Save
              </Button>
              {seen !== '' && (
                <Button
                  isSmall
                  kind="danger"
                  disabledBecause={refusal}
                  onClick={() => void run(() => deleteBucketConfig(bucket, name), `${title} removed`)}
                >
                  Remove
                </Button>
              )}
            </div>
          </div>
        )}
      </Loaded>
    </Card>
  )
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch {
    return text
  }
}

function problemOfJson(text: string): string | undefined {
  if (text.trim() === '') return undefined
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return error instanceof Error ? `Not JSON: ${error.message}` : 'Not JSON'
  }
}
