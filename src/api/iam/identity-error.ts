import { CodedError } from '../../base/errors.ts'

type IdentityErrorCode =
  /** A property has a value that this endpoint does not take. */
  | 'BXNIM0106E'
  /** A property is missing or empty. */
  | 'BXNIM0109E'
  /** A cloud resource name that is not one. */
  | 'BXNIM0113E'

/** An error in IBM's own words: code and message as IBM's token service says them. */
export class IdentityError extends CodedError<IdentityErrorCode> {
  readonly status = 400
  readonly errorDetails: string

  constructor(code: IdentityErrorCode, message: string, errorDetails: string) {
    super(code, message)
    this.errorDetails = errorDetails
  }
}

export const propertyMissing = (name: string): IdentityError =>
  new IdentityError('BXNIM0109E', 'Property missing or empty.', `Property '${name}' either missing or empty.`)

export const propertyInvalid = (name: string, valid: readonly string[]): IdentityError =>
  new IdentityError(
    'BXNIM0106E',
    `Validation of property '${name}' failed. Valid values: '${valid.join(', ')}'`,
    `Property '${name}' has a value that is not supported.`,
  )
