import type { ComponentChildren } from 'preact'
import type { ApiError } from '../client/api-error.ts'
import { Button } from './button.tsx'
import { Copy } from './copy.tsx'
import { Icon } from './icon.tsx'

export interface ErrorStateProps {
  /** What could not be done: `The buckets could not be listed.` */
  readonly title: ComponentChildren
  readonly error: ApiError
  readonly onRetry?: () => void
}

export const ErrorState = ({ title, error, onRetry }: ErrorStateProps) => (
  <div class="note bad error-state" role="alert">
    <Icon name="alert" />
    <div>
      <b>{title}</b>
      <p>{error.message}</p>
      <p class="muted small">
        <code>{error.code}</code>
        {error.requestId !== undefined && (
          <>
            {' · request '}
            <code>{error.requestId}</code> <Copy text={error.requestId} label="Copy the request id" />
          </>
        )}
      </p>
    </div>
    {onRetry && (
      <span class="note-actions">
        <Button isSmall icon="rotate" onClick={onRetry}>
          Retry
        </Button>
      </span>
    )}
  </div>
)
