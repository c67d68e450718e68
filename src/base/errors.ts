/** What may be shown outside: never key material, never another tenant's names. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * An error of a closed vocabulary. `code` is API, `message` is prose. Each floor exports the union of its own codes
 * and each protocol maps every code it can meet in one table that fails to compile when a code has no face.
 * Anything thrown without a code is a bug: logged with its cause, answered as an internal error, its text never shown.
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code
  readonly details: ErrorDetails

  constructor(code: Code, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CodedError'
    this.code = code
    this.details = options.details ?? {}
  }
}

/** True when `error` is a CodedError with one of `codes` (any code when none is given). */
export function hasCode<Code extends string>(error: unknown, ...codes: readonly Code[]): error is CodedError<Code> {
  return error instanceof CodedError && (codes.length === 0 || (codes as readonly string[]).includes(error.code))
}
