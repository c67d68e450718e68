import type { ComponentChildren } from 'preact'
import { isStatus } from '../client/api-error.ts'
import type { Loaded as Load } from '../use-load.ts'
import { ErrorState } from './error-state.tsx'
import { Note } from './note.tsx'
import { Skeleton } from './skeleton.tsx'

export interface LoadedProps<Value> {
  readonly load: Load<Value>
  /** What could not be done, when it could not. */
  readonly failed: string
  readonly skeletonRows?: number
  /** The role that shows it: `Manager on objects`. */
  readonly needs?: string | undefined
  readonly children: (value: Value) => ComponentChildren
}

/** What `useLoad` has: rows on their way after 200 ms, an error with a way to try again, or the thing itself. */
export function Loaded<Value>({ load, failed, skeletonRows, needs = 'another role', children }: LoadedProps<Value>) {
  const { value, error, isSlow, reload } = load
  return (
    <>
      {error && isStatus(error, 401, 403) && <NotShown needs={needs} />}
      {error && !isStatus(error, 401, 403) && <ErrorState title={failed} error={error} onRetry={reload} />}
      {value !== undefined && children(value)}
      {value === undefined && !error && isSlow && (
        <>
          <span class="sr-only" role="status">
            Loading…
          </span>
          <Skeleton {...(skeletonRows === undefined ? {} : { rows: skeletonRows })} />
        </>
      )}
    </>
  )
}

/** The page is there, and says what it takes. */
export const NotShown = ({ needs }: { readonly needs: string }) => (
  <Note icon="lock">
    <b>Not for you to see.</b> Needs {needs}.
  </Note>
)
