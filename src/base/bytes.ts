/** A 32-bit big-endian length before the bytes: the injective way to join variable-length parts. */
export function lengthPrefixed(bytes: Uint8Array | string): Buffer {
  const body = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes
  const out = Buffer.alloc(4 + body.length)
  out.writeUInt32BE(body.length, 0)
  out.set(body, 4)
  return out
}

/** `u32(n) ‖ LP(part_1) … LP(part_n)`: two different lists never encode to the same bytes. */
export function encodeList(parts: readonly (Uint8Array | string)[]): Buffer {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(parts.length, 0)
  return Buffer.concat([count, ...parts.map(lengthPrefixed)])
}

/** The smallest byte string above every string that starts with `prefix`; undefined when there is none (all 0xFF). */
export function successor(prefix: Uint8Array): Buffer | undefined {
  for (let last = prefix.length - 1; last >= 0; last--) {
    const byte = prefix[last]
    if (byte !== undefined && byte < 0xff) {
      const out = Buffer.from(prefix.subarray(0, last + 1))
      out[last] = byte + 1
      return out
    }
  }
  return undefined
}
