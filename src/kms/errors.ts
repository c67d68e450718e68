import { CodedError, type ErrorDetails } from '../base/errors.ts'

/** Everything the key management service can refuse. Details never hold key material, plaintext or ciphertext. */
export type KmsErrorCode =
  /** No right to do this to this key; also what a caller learns of instances that are not theirs. */
  | 'Unauthorized'
  /** No such key management instance, or one that nobody outside may reach. */
  | 'InstanceNotFound'
  | 'KeyNotFound'
  /** The key is a standard key; only root keys wrap, rotate, disable or restore. */
  | 'RootKeyRequired'
  /** The action is not in the state table for this key's state: `details.state`. */
  | 'InvalidKeyState'
  /** Deleted already. */
  | 'KeyDeleted'
  /** Registrations exist and `force` was not given. */
  | 'ProtectedResource'
  /** A registration forbids deletion even with `force`. */
  | 'KeyDeletionPrevented'
  /** `details.retryAfterMs` */
  | 'TooEarly'
  | 'RotationTooEarly'
  /** An imported key is rotated with new material only. */
  | 'PayloadRequired'
  | 'RestoreExpired'
  | 'KeyExpired'
  /** `details.field` names it. */
  | 'InvalidField'
  /** The ciphertext does not authenticate under this key and AAD, whatever the reason. */
  | 'InvalidCiphertext'
  | 'AliasExists'
  | 'AliasLimitReached'
  | 'AliasNotFound'
  | 'KeyRingNotFound'
  /** `default` exists always. */
  | 'KeyRingExists'
  | 'KeyRingLimitReached'
  /** It holds keys that are not deleted, or deleted ones and `force` was not given. */
  | 'KeyRingNotEmpty'
  /** The instance's policy forbids to create or import this. */
  | 'KeyAccessRestricted'
  /** Another user has to authorise the deletion first. */
  | 'AuthorizationsNotMet'
  | 'NotDualAuth'
  /** Too many keys to search in: `details.limit`. */
  | 'SearchTooBroad'
  /** Registrations are made and ended by services only. */
  | 'ServiceOnly'
  | 'RegistrationNotFound'
  /** A registration names a version that the key does not have. */
  | 'KeyVersionInvalid'
  /** A query for registrations is no CRN, or has wildcards where none may be. */
  | 'CrnQueryInvalid'
  /** A service registers its own instance's resources only. */
  | 'ForeignResource'
  /** The instance has had no import token yet. */
  | 'ImportTokenNotFound'
  /** The instance's import token has expired, or has been retrieved as often as it may be. */
  | 'ImportTokenExpired'
  /** Nothing that came under the import token proves itself: one answer for every way of being wrong. */
  | 'IncorrectNonce'
  /** The initialization vector of the encrypted nonce is none. */
  | 'IncorrectNonceIv'
  /** A stored record does not decode, or the material does not open under this service's sealing key. */
  | 'KeyDamaged'
  /** The store's answer is not known; the key is refused until it has been read again. */
  | 'KeyUnavailable'

export function kmsError(
  code: KmsErrorCode,
  message: string,
  details: ErrorDetails = {},
  cause?: unknown,
): CodedError<KmsErrorCode> {
  return new CodedError(code, message, cause === undefined ? { details } : { details, cause })
}

export const invalidField = (field: string, message: string): CodedError<KmsErrorCode> =>
  kmsError('InvalidField', message, { field })

/** No control characters (C0) in what people read. Throws InvalidField. */
export function assertPrintable(field: string, text: string): void {
  if ([...text].some((character) => character < ' ')) throw invalidField(field, 'no control characters')
}
