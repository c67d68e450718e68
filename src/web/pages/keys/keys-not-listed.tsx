import { type ApiError, isStatus } from '../../client/api-error.ts'
import { ErrorState } from '../../parts/error-state.tsx'
import { NotShown } from '../../parts/loaded.tsx'

export interface KeysNotListedProps {
  readonly error: ApiError
  /** Its name. */
  readonly instance: string | undefined
  readonly onRetry: () => void
}

export const KeysNotListed = ({ error, instance, onRetry }: KeysNotListedProps) =>
  isStatus(error, 401, 403) ? (
    <NotShown needs={`Reader on ${instance ?? 'Key Protect'}`} />
  ) : (
    <ErrorState title="The root keys could not be listed." error={error} onRetry={onRetry} />
  )
