/**
 * `KeyMissing`: nothing is wrong, but a key was not given that it takes. `KeyWrong`: one that was given is of something else.
 * `Damaged`: a file or row is not what its format says. `Forged`: a commitment or tag does not verify.
 */
export type DecryptErrorCode = 'Usage' | 'NotFound' | 'KeyMissing' | 'KeyWrong' | 'Damaged' | 'Forged'

export class DecryptError extends Error {
  readonly code: DecryptErrorCode

  constructor(code: DecryptErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export const damaged = (message: string): DecryptError => new DecryptError('Damaged', message)
export const forged = (message: string): DecryptError => new DecryptError('Forged', message)
export const keyMissing = (message: string): DecryptError => new DecryptError('KeyMissing', message)
export const usage = (message: string): DecryptError => new DecryptError('Usage', message)

/** Node's words for arguments, without those on how a file would be named like an option. */
export const misread = (error: unknown): DecryptError =>
  usage(
    error instanceof Error
      ? error.message.replace(/\. To specify a positional.*/s, '')
      : 'the arguments cannot be read',
  )

export const isDecryptError = (error: unknown, ...codes: readonly DecryptErrorCode[]): error is DecryptError =>
  error instanceof DecryptError && (codes.length === 0 || codes.includes(error.code))
