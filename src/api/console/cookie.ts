const NAME = 'coffer_session'
const SSO_NAME = 'coffer_sso'

/** RFC 6265. The value of the console's cookie; undefined when there is none, or more than one. */
export const sessionCookie = (header: string | undefined): string | undefined => onlyValue(NAME, header)

/** What ties the answer of an identity provider to the browser that asked. */
export const ssoCookie = (header: string | undefined): string | undefined => onlyValue(SSO_NAME, header)

function onlyValue(name: string, header: string | undefined): string | undefined {
  const values = (header ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
  })
  return values.length === 1 ? values[0] : undefined
}

/** No script reads it, no other site sends it. It ends with the browser, or before. */
export const setCookie = (id: string, isSecure: boolean): string =>
  `${NAME}=${id}; Path=/ui; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`

export const endCookie = (isSecure: boolean): string => `${setCookie('', isSecure)}; Max-Age=0`

/** The provider, another site, sends the browser back: it must come along then (`Lax`). */
export const setSsoCookie = (value: string, isSecure: boolean, lifeMs: number): string =>
  `${SSO_NAME}=${value}; Path=/ui/session/oidc; HttpOnly; SameSite=Lax; Max-Age=${lifeMs / 1000}${isSecure ? '; Secure' : ''}`
