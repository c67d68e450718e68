import { hasCode } from '../../base/errors.ts'
import type { JsonProtocol } from '../common/json-operation.ts'
import { plainError, renderPlainError } from '../common/plain-protocol.ts'
import { empty, json, type Reply } from '../common/reply.ts'
import { CONSOLE_ERROR_CODES, type ConsoleErrorCode } from './errors.ts'
import type { ConsoleOptions } from './options.ts'
import { ssoFailure } from './sso.ts'

const STATUS = {
  SignInRefused: 401,
  SsoFailed: 502,
  SsoNotConfigured: 404,
  NoSession: 401,
  CsrfTokenInvalid: 403,
  ForeignOrigin: 403,
  NoObjects: 404,
  NotAPreview: 400,
} as const satisfies Record<ConsoleErrorCode, number>

/** `{"error":{"code","message"}}`; who comes back from an identity provider is shown the page to sign in, which says why not. */
export function renderError(error: unknown): Reply {
  const failure = ssoFailure(error)
  if (failure !== undefined) return empty(303, { Location: `/ui/?sso=${failure}` })
  return hasCode(error, ...CONSOLE_ERROR_CODES)
    ? json(STATUS[error.code], { error: { code: error.code, message: error.message } })
    : renderPlainError(error)
}

/** What the console's own pages ask of it: who is signed in. */
export const consoleProtocol = (options: ConsoleOptions): JsonProtocol<ConsoleOptions> => ({
  name: 'console',
  prefixes: ['/ui'],
  bodyLimitBytes: 16 * 1024,
  authenticate: async () => options,
  renderError,
  error: plainError,
})
