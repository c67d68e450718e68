import { CodedError } from '../../base/errors.ts'
import { sameText } from '../../base/secrets.ts'
import type { ConsoleErrorCode } from './errors.ts'
import type { Session } from './sessions.ts'

type Header = (name: string) => string | undefined

/** By what browsers say of where a request comes from, it comes from a page of this console. Throws ForeignOrigin. */
export function checkOrigin(header: Header, method: string): void {
  const site = header('sec-fetch-site')
  const changes = isChange(method)
  // `none`: somebody typed the address. No page can do that for them.
  if (site !== undefined && site !== 'same-origin' && (changes || site !== 'none')) throw foreign()
  if (site !== undefined || !changes) return
  const origin = header('origin')
  // Browsers send it with every change; what is no browser has no cookies that others could use.
  if (origin !== undefined && hostOf(origin) !== header('host')?.toLowerCase()) throw foreign()
}

/** Throws CsrfTokenInvalid, ForeignOrigin. */
export function checkRequest(header: Header, method: string, { csrfToken }: Pick<Session, 'csrfToken'>): void {
  checkOrigin(header, method)
  if (isChange(method) && !sameText(header('x-coffer-csrf') ?? '', csrfToken)) {
    throw new CodedError<ConsoleErrorCode>('CsrfTokenInvalid', 'The header x-coffer-csrf is missing or wrong.')
  }
}

const isChange = (method: string): boolean => method !== 'GET' && method !== 'HEAD'

const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host.toLowerCase() : undefined

const foreign = (): CodedError<ConsoleErrorCode> =>
  new CodedError('ForeignOrigin', 'The request does not come from a page of this console.')
