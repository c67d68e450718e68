import { S3Error } from './error-codes.ts'

const PLAIN = /^[A-Za-z0-9\-._~/]*$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Percent-decodes once; undefined for a bad escape, bytes that are not UTF-8, and NUL. */
export function decodeOnce(raw: string): string | undefined {
  if (PLAIN.test(raw)) return raw
  try {
    const decoded = decodeURIComponent(isAscii(raw) ? raw : utf8.decode(Buffer.from(raw, 'latin1')))
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    return undefined
  }
}

/** Percent-decodes once. Throws InvalidURI. */
export function decodeComponent(raw: string): string {
  const decoded = decodeOnce(raw)
  if (decoded === undefined) throw new S3Error('InvalidURI')
  return decoded
}

const isAscii = (text: string): boolean => {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false
  return true
}

/** SigV4's UriEncode: every byte but the unreserved ones, escapes in upper case. `keepSlash` for object keys. */
export function encodeComponent(text: string, keepSlash = false): string {
  if (PLAIN.test(text) && (keepSlash || !text.includes('/'))) return text
  const encoded = encodeURIComponent(text).replace(/[!'()*]/g, escapeReserved)
  return keepSlash ? encoded.replaceAll('%2F', '/') : encoded
}

const escapeReserved = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`

export interface QueryParameter {
  readonly name: string
  readonly value: string
}

/** Splits and decodes a query; a name without `=` has the value ''. In a query, unlike in a path, `+` is a space. */
export function parseQuery(rawQuery: string): QueryParameter[] {
  const parameters: QueryParameter[] = []
  if (rawQuery === '') return parameters
  for (const pair of rawQuery.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    parameters.push(
      equals < 0
        ? { name: decodeQuery(pair), value: '' }
        : { name: decodeQuery(pair.slice(0, equals)), value: decodeQuery(pair.slice(equals + 1)) },
    )
  }
  return parameters
}

const decodeQuery = (raw: string): string => decodeComponent(raw.includes('+') ? raw.replaceAll('+', ' ') : raw)
