import type { S3Request } from '../request.ts'
import { decodeComponent, encodeComponent, parseQuery, type QueryParameter } from '../uri.ts'

export interface SignedParts {
  /** `host;x-amz-date;…` as the client sent it. */
  readonly signedHeaders: string
  readonly payloadHash: string
  /** Query parameter that is left out: the signature itself. */
  readonly exceptQuery?: string
}

/** The canonical request, one Latin-1 character per byte: header values are hashed as the bytes that arrived. */
export function canonicalRequest(request: S3Request, parts: SignedParts): string {
  return (
    `${request.method}\n${canonicalPath(request.rawPath)}\n${canonicalQuery(request.rawQuery, parts.exceptQuery)}\n` +
    `${canonicalHeaders(request.headers, parts.signedHeaders)}\n${parts.signedHeaders}\n${parts.payloadHash}`
  )
}

/** Decoded once and encoded again, since clients differ in what they escape. Nothing is normalised. */
export const canonicalPath = (rawPath: string): string => encodeComponent(decodeComponent(rawPath), true)

export function canonicalQuery(rawQuery: string, except?: string): string {
  if (rawQuery === '') return ''
  return parseQuery(rawQuery)
    .filter(({ name }) => name !== except)
    .map(({ name, value }) => ({ name: encodeComponent(name), value: encodeComponent(value) }))
    .sort(byNameThenValue)
    .map(({ name, value }) => `${name}=${value}`)
    .join('&')
}

function byNameThenValue(a: QueryParameter, b: QueryParameter): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  if (a.value === b.value) return 0
  return a.value < b.value ? -1 : 1
}

function canonicalHeaders(headers: ReadonlyMap<string, string>, signedHeaders: string): string {
  let lines = ''
  for (const name of signedHeaders.split(';')) lines += `${name}:${canonicalValue(headers.get(name) ?? '')}\n`
  return lines
}

// Node has trimmed the ends. No `trim()` or `\s`: U+00A0 here is a byte of some UTF-8 letter, not a space.
const canonicalValue = (value: string): string =>
  value.includes('  ') || value.includes('\t') ? value.replace(/[ \t]+/g, ' ') : value
