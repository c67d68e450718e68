import { validation } from '../aws/errors.ts'

export interface IssuerRules {
  /** Issuers, by their whole URL, that may be asked without TLS. */
  readonly httpIssuers: ReadonlySet<string>
}

/** AWS: what a token says as `iss`. No query, no fragment, nobody's name, nothing that could be written in two ways. Throws ValidationError. */
export function checkIssuerUrl(url: string, { httpIssuers }: IssuerRules): void {
  const invalid = (why: string) => validation(`Invalid Open ID Connect Provider URL: ${why}`)
  if (url.length > 255) throw invalid('it has more than 255 characters.')
  if (!url.startsWith('https://') && !httpIssuers.has(url)) throw invalid('it must begin with https://')
  if (!/^https?:\/\/[a-z0-9.[\]:-]+(?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*$/.test(url) || !URL.canParse(url)) {
    throw invalid('it must be a host in lower case and a path.')
  }
  const { href, pathname } = new URL(url)
  if (href !== url && !(pathname === '/' && href === `${url}/`)) throw invalid('it must be written in the usual way.')
}

/** Where its configuration is (OpenID Connect Discovery 1.0, section 4). */
export const configurationUrl = (issuer: string): URL =>
  new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)

/** Its keys and endpoints are where it says, but nowhere without TLS that it is not itself. */
export function endpointUrl(issuer: string, given: string): URL | undefined {
  if (given.length > 2048 || !URL.canParse(given)) return undefined
  const url = new URL(given)
  if (url.username !== '' || url.password !== '') return undefined
  if (url.protocol === 'https:') return url
  return url.protocol === 'http:' && url.origin === new URL(issuer).origin ? url : undefined
}
