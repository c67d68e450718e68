import { hasCode } from '../../base/errors.ts'
import type { JsonProtocol } from '../common/json-operation.ts'
import { renderPlainError } from '../common/plain-protocol.ts'
import { json, type Reply } from '../common/reply.ts'
import { CONSOLE_ERROR_CODES, type ConsoleErrorCode } from './errors.ts'
import type { ConsoleOptions } from './options.ts'

const STATUS = {
  SignInRefused: 401,
  NoSession: 401,
  CsrfTokenInvalid: 403,
  ForeignOrigin: 403,
  NoObjects: 404,
  NotAPreview: 400,
} as const satisfies Record<ConsoleErrorCode, number>

/** `{"error":{"code","message"}}` */
export const renderError = (error: unknown): Reply =>
  hasCode(error, ...CONSOLE_ERROR_CODES)
    ? json(STATUS[error.code], { error: { code: error.code, message: error.message } })
    : renderPlainError(error)

/** What the console's own pages ask of it: who is signed in. */
export const consoleProtocol = (options: ConsoleOptions): JsonProtocol<ConsoleOptions> => ({
  name: 'console',
  prefixes: ['/ui'],
  bodyLimitBytes: 16 * 1024,
  authenticate: async () => options,
  renderError,
})
