export const CONSOLE_ERROR_CODES = [
  /** Nobody is known by what was given. */
  'SignInRefused',
  /** An identity provider was asked for somebody, and did not say who it is. */
  'SsoFailed',
  /** There is no identity provider here. */
  'SsoNotConfigured',
  /** No session, or one that has ended. */
  'NoSession',
  /** The token that shows that a request comes from the console's own pages is missing or wrong. */
  'CsrfTokenInvalid',
  /** By what the browser says, another site's page sent it. */
  'ForeignOrigin',
  /** In the half of a server that has none. */
  'NoObjects',
  /** It asks for something else than to read an object. */
  'NotAPreview',
] as const
export type ConsoleErrorCode = (typeof CONSOLE_ERROR_CODES)[number]
