import type { ComponentChildren } from 'preact'
import type { Loaded as Load } from '../use-load.ts'
import { ErrorState } from './error-state.tsx'
import { Skeleton } from './skeleton.tsx'

export interface LoadedProps<Value> {
  readonly load: Load<Value>
  /** What could not be done, when it could not. */
  readonly failed: string
  readonly skeletonRows?: number
  readonly children: (value: Value) => ComponentChildren
}

/** What `useLoad` has: rows on their way after 200 ms, an error with a way to try again, or the thing itself. */
export function Loaded<Value>({ load, failed, skeletonRows, children }: LoadedProps<Value>) {
  const { value, error, isSlow, reload } = load
  return (
    <>
      {error && <ErrorState title={failed} error={error} onRetry={reload} />}
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
