import { CodedError } from '../base/errors.ts'

export type AccessErrorCode =
  /** A policy that is not understood in full. The message is what AWS says of it. */
  | 'MalformedPolicy'
  /** A grant, a canned ACL or a grantee that is none. */
  | 'InvalidGrant'
  /** No account, or more than one, has this address. */
  | 'UnresolvableGrantByEmailAddress'

export const malformed = (message: string, cause?: unknown): CodedError<AccessErrorCode> =>
  new CodedError<AccessErrorCode>('MalformedPolicy', message, cause === undefined ? {} : { cause })
