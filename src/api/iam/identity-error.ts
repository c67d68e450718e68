import { CodedError } from '../../base/errors.ts'

type IdentityErrorCode =
  /** A property is missing, empty, or has a value that this endpoint does not take. */
  | 'BXNIM0109E'
  /** A cloud resource name that is not one. */
  | 'BXNIM0113E'
  /** A refresh token that is not valid; API keys get none. */
  | 'BXNIM0407E'

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
