import { CodedError } from '../base/errors.ts'

export type ConfigErrorCode = 'ConfigInvalid'

export const invalidConfig = (message: string, cause?: unknown): CodedError<ConfigErrorCode> =>
  new CodedError('ConfigInvalid', message, { cause })
