import { CodedError } from '../base/errors.ts'

export type IamErrorCode =
  /** Not a token of ours, or its user is gone. One code for every reason: the reason is nobody's business outside. */
  | 'InvalidToken'
  | 'ExpiredToken'
  | 'RefreshTokenInvalid'
  | 'RefreshTokenExpired'
  /** Also for one that is disabled or has expired. */
  | 'ApiKeyNotFound'
  | 'UnknownAccount'
  | 'UnknownInstance'
  | 'UnknownUser'
  /** An id or access key id that already belongs to something else. */
  | 'IdentityConflict'
  /** A value that the identity model does not allow; the message says which. */
  | 'IdentityInvalid'
  /** A service id, API key, resource key or instance. */
  | 'EntityNotFound'
  /** Was there, and is deleted. */
  | 'EntityGone'
  /** Changed since the caller read it. */
  | 'EntityConflict'
  | 'EntityLocked'
  /** The account would have none left. */
  | 'LastAdministrator'
  /** An instance that still holds something. */
  | 'InstanceInUse'
  | 'PolicyNotFound'
  /** An active policy says the same: its id is in the details, as `policy`. */
  | 'PolicyConflict'
  /** The revision that the caller has seen is not the one there is. */
  | 'PolicyChanged'
  | 'PolicyInvalid'
  /** Well formed, and nothing that this server could honour. */
  | 'PolicyUnsupported'
  | 'RoleNotFound'
  /** The account has one of that name, or a policy grants it: details `role` or `policy`. */
  | 'RoleConflict'
  | 'RoleChanged'
  | 'RoleInvalid'
  | 'NotPermitted'
  | 'BootstrapInvalid'
  /** The stored identities do not decode or their secrets do not open: damage, or another instance key. */
  | 'IamStateDamaged'

export const conflict = (message: string): CodedError<IamErrorCode> => new CodedError('IdentityConflict', message)
export const invalid = (message: string): CodedError<IamErrorCode> => new CodedError('IdentityInvalid', message)
export const unknownAccount = (id: string): CodedError<IamErrorCode> =>
  new CodedError('UnknownAccount', `there is no account ${id}`)
