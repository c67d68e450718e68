import { CodedError } from '../base/errors.ts'

export type EnvelopeErrorCode =
  /** The bytes are not what was sealed for this place: malformed, truncated, extended, moved or changed. One code, whatever it is inside. */
  | 'EnvelopeForged'
  /** More plaintext than the format can count. */
  | 'EnvelopeTooLarge'

export function forged(what: string, details: { segment?: number } = {}): CodedError<EnvelopeErrorCode> {
  return new CodedError<EnvelopeErrorCode>('EnvelopeForged', what, { details })
}
