const NAME = 'coffer_session'

/** RFC 6265. The value of the console's cookie; undefined when there is none, or more than one. */
export function sessionCookie(header: string | undefined): string | undefined {
  const values = (header ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return pair.slice(0, at).trim() === NAME ? [pair.slice(at + 1).trim()] : []
  })
  return values.length === 1 ? values[0] : undefined
}

/** No script reads it, no other site sends it. It ends with the browser, or before. */
export const setCookie = (id: string, isSecure: boolean): string =>
  `${NAME}=${id}; Path=/ui; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`

export const endCookie = (isSecure: boolean): string => `${setCookie('', isSecure)}; Max-Age=0`
