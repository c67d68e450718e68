// docs/envelope-format.md, section 1.

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const bytesOf = (part: string | Uint8Array): Uint8Array => (typeof part === 'string' ? Buffer.from(part, 'utf8') : part)

export function lengthPrefixed(part: string | Uint8Array): Buffer {
  const bytes = bytesOf(part)
  return Buffer.concat([u32(bytes.length), bytes])
}

export const listOf = (parts: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat([u32(parts.length), ...parts.map(lengthPrefixed)])

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Undefined for what is no UUID in lower case. */
export const uuidBytes = (text: string): Buffer | undefined =>
  UUID.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : undefined

export const uuidText = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** Bytes that are read in pieces, wherever they are. Reading beyond the end throws Damaged. */
export interface ByteSource {
  readonly length: number
  readonly read: (at: number, length: number) => Buffer
}
