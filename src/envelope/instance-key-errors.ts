import { CodedError } from '../base/errors.ts'

export type InstanceKeyErrorCode =
  /** There is no key file, or no passphrase was given for a store that has one. */
  | 'InstanceKeyMissing'
  /** A wrong passphrase, or the key of another store. */
  | 'InstanceKeyWrong'
  /** Others may read or replace the key file. */
  | 'InstanceKeyInsecure'
  /** Not a key file, not a seal file, or settings that contradict each other. */
  | 'InstanceKeyInvalid'

export function instanceKeyError(code: InstanceKeyErrorCode, message: string, cause?: unknown): CodedError {
  return new CodedError<InstanceKeyErrorCode>(code, message, { cause })
}

export const hasErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
