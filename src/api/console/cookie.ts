type Header = (name: string) => string | undefined

/**
 * RFC 6265: cookies of a host go to all of its ports. Two stores on one host, behind a port each, would end each other's
 * sessions if they gave theirs one name.
 */
function nameAt(header: Header, name: string): string {
  const port = /:(\d{1,5})$/.exec(header('host') ?? '')?.[1]
  return port === undefined ? name : `${name}_${port}`
}

const SESSION = 'coffer_session'
const SSO = 'coffer_sso'

/** The value of the console's cookie; undefined when there is none, or more than one. */
export const sessionCookie = (header: Header): string | undefined => onlyValue(SESSION, header)

/** What ties the answer of an identity provider to the browser that asked. */
export const ssoCookie = (header: Header): string | undefined => onlyValue(SSO, header)

function onlyValue(kind: string, header: Header): string | undefined {
  const name = nameAt(header, kind)
  const values = (header('cookie') ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
  })
  return values.length === 1 ? values[0] : undefined
}

/** No script reads it, no other site sends it. It ends with the browser, or before. */
export const setCookie = (header: Header, id: string, isSecure: boolean): string =>
  `${nameAt(header, SESSION)}=${id}; Path=/ui; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`

export const endCookie = (header: Header, isSecure: boolean): string => `${setCookie(header, '', isSecure)}; Max-Age=0`

/** The provider, another site, sends the browser back: it must come along then (`Lax`). */
export const setSsoCookie = (header: Header, value: string, isSecure: boolean, lifeMs: number): string =>
  `${nameAt(header, SSO)}=${value}; Path=/ui/session/oidc; HttpOnly; SameSite=Lax; Max-Age=${lifeMs / 1000}${isSecure ? '; Secure' : ''}`
