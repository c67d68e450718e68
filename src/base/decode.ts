/**
 * Node decodes leniently: it skips what is no digit, stops at what it cannot read, takes either alphabet, and drops the bits
 * that the last digit has too many. A token or a key has one text only. Each of these gives the bytes, in memory of their
 * own, of that one text, and undefined for any other.
 */

/** Standard base64 with padding (RFC 4648 section 4). */
export const decodeBase64 = (text: string): Buffer | undefined => decoded(text, 'base64')

/** Base64url without padding (RFC 4648 section 5). */
export const decodeBase64url = (text: string): Buffer | undefined => decoded(text, 'base64url')

function decoded(text: string, encoding: 'base64' | 'base64url'): Buffer | undefined {
  const bytes = Buffer.alloc(Buffer.byteLength(text, encoding))
  bytes.write(text, encoding)
  if (bytes.toString(encoding) === text) return bytes
  bytes.fill(0)
  return undefined
}
