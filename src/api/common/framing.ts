/** Why nobody can tell where the body of a request ends: whoever stood before this server may have seen another end. */
export type FramingFault = 'of HTTP/1.0' | 'coding'

/** RFC 9112, 6.1: in HTTP/1.0 the framing of a message with Transfer-Encoding is faulty; a coding that cannot be undone is not taken. */
export function framingFault(httpVersion: string, transferEncoding: string | undefined): FramingFault | undefined {
  if (transferEncoding === undefined) return undefined
  if (httpVersion === '1.0') return 'of HTTP/1.0'
  return transferEncoding.trim().toLowerCase() === 'chunked' ? undefined : 'coding'
}
