import { CodedError, type ErrorDetails, hasCode } from '../../base/errors.ts'
import type { KeyProviderErrorCode } from '../../envelope/key-provider.ts'

const OWN = {
  RootKeyNotFound: 'RootKeyNotFound',
  RootKeyDisabled: 'RootKeyDisabled',
  KeyAccessDenied: 'KeyAccessDenied',
  KeyProviderUnavailable: 'KeyProviderUnavailable',
  WrappedDekForged: 'WrappedDekForged',
} as const satisfies { [Code in KeyProviderErrorCode]: Code }

/** One of the contract's five. What the service said is the cause, for the log alone. */
export const failure = (
  code: KeyProviderErrorCode,
  cause?: unknown,
  details?: ErrorDetails,
): CodedError<KeyProviderErrorCode> =>
  new CodedError(code, 'the key provider refused', {
    ...(cause === undefined ? {} : { cause }),
    ...(details === undefined ? {} : { details }),
  })

/** True for an error that is one of the contract's five already. */
export const isFailure = (error: unknown): error is CodedError<KeyProviderErrorCode> =>
  hasCode(error, ...Object.values(OWN))
