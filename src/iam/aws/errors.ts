import { CodedError } from '../../base/errors.ts'

/** In AWS's words. */
export type AwsIamErrorCode =
  | 'NoSuchEntity'
  | 'EntityAlreadyExists'
  /** It still has what has to be deleted or detached first. */
  | 'DeleteConflict'
  | 'LimitExceeded'
  | 'ValidationError'
  | 'InvalidInput'
  /** A token of an identity provider that is none, or none for here. */
  | 'InvalidIdentityToken'
  | 'ExpiredTokenException'
  /** The identity provider does not answer. */
  | 'IDPCommunicationError'
  /** A token that is genuine, and says that it does not count. */
  | 'IDPRejectedClaim'

export const noSuchEntity = (message: string): CodedError<AwsIamErrorCode> => new CodedError('NoSuchEntity', message)
export const deleteConflict = (message: string): CodedError<AwsIamErrorCode> =>
  new CodedError('DeleteConflict', message)
export const limitExceeded = (message: string): CodedError<AwsIamErrorCode> => new CodedError('LimitExceeded', message)
export const validation = (message: string): CodedError<AwsIamErrorCode> => new CodedError('ValidationError', message)
export const invalidInput = (message: string): CodedError<AwsIamErrorCode> => new CodedError('InvalidInput', message)
export const alreadyExists = (what: string): CodedError<AwsIamErrorCode> =>
  new CodedError('EntityAlreadyExists', `${what} already exists.`)
export const invalidIdentity = (message: string, cause?: unknown): CodedError<AwsIamErrorCode> =>
  new CodedError('InvalidIdentityToken', message, { cause })
