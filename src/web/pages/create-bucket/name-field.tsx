import { useEffect, useState } from 'preact/hooks'
import { ApiError } from '../../client/api-error.ts'
import { problemOfBucketName } from '../../client/bucket-name.ts'
import { headBucket } from '../../client/s3.ts'
import { session } from '../../client/session.ts'
import { Field } from '../../parts/field.tsx'

export type NameState = 'empty' | 'asking' | 'free' | 'taken' | 'wrong' | 'unknown'

const PAUSE_MS = 250

/** Whether a bucket can be called that: the rules at once, the server after a pause. */
export function useNameState(name: string): NameState {
  const [answer, setAnswer] = useState<{ readonly name: string; readonly state: NameState }>()
  const problem = problemOfBucketName(name)
  useEffect(() => {
    if (problem !== undefined) return undefined
    const controller = new AbortController()
    const timer = setTimeout(() => {
      void ask(name, controller.signal).then((state) => {
        if (!controller.signal.aborted) setAnswer({ name, state })
      })
    }, PAUSE_MS)
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [name, problem])
  if (name === '') return 'empty'
  if (problem !== undefined) return 'wrong'
  return answer?.name === name ? answer.state : 'asking'
}

async function ask(name: string, signal: AbortSignal): Promise<NameState> {
  try {
    await headBucket(name, signal)
    return 'taken'
  } catch (error) {
    if (!(error instanceof ApiError)) return 'unknown'
    if (error.status === 404) return 'free'
    return error.status === 403 ? 'taken' : 'unknown'
  }
}

export interface NameFieldProps {
  readonly value: string
  readonly state: NameState
  /** What the server said of it. */
  readonly refusal: string | undefined
  readonly onInput: (name: string) => void
}

export function NameField({ value, state, refusal, onInput }: NameFieldProps) {
  const problem = state === 'wrong' ? problemOfBucketName(value) : undefined
  const taken = state === 'taken' ? 'There is a bucket of that name already.' : undefined
  const error = refusal ?? taken ?? (value.length > 0 ? problem : undefined)
  const url = session().s3?.url
  return (
    <Field
      label="Name"
      name="bucket"
      value={value}
      onInput={(text) => onInput(text.trim())}
      hasFocus
      isGood={state === 'free' && refusal === undefined}
      error={error}
      hint={
        state === 'free' ? (
          <>
            Available.{' '}
            {url !== undefined && (
              <>
                Reached at <code>{`${url.replace(/\/$/, '')}/${value}`}</code>
              </>
            )}
          </>
        ) : state === 'asking' ? (
          'Looking whether it is free…'
        ) : (
          '3 to 63 characters: lower-case letters, digits, hyphens and dots'
        )
      }
    />
  )
}
