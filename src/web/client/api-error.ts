export interface ErrorFacts {
  /** The API's own code, e.g. `NoSuchBucket` or `KEY_ACTION_INVALID_STATE_ERR`; `Unreachable` when there was no answer. */
  readonly code: string
  readonly message: string
  /** 0: there was no answer. */
  readonly status: number
  readonly requestId?: string | undefined
}

/** What came instead of an answer, of whichever API. */
export class ApiError extends Error {
  readonly code: string
  readonly status: number
  readonly requestId: string | undefined

  constructor({ code, message, status, requestId }: ErrorFacts) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.status = status
    this.requestId = requestId
  }
}

export const toApiError = (error: unknown): ApiError =>
  error instanceof ApiError
    ? error
    : new ApiError({ code: 'Unexpected', message: error instanceof Error ? error.message : String(error), status: 0 })

export const isStatus = (error: unknown, ...statuses: readonly number[]): boolean =>
  error instanceof ApiError && statuses.includes(error.status)
