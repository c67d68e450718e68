import type { Token, Write } from './metadata-store.ts'

/**
 * Commits on their way to the thread that decides them, as one piece of memory, which is handed over and not copied:
 * what a structured clone makes of so many small buffers costs more than to write them down.
 */
const TYPES = ['put', 'delete', 'check', 'add'] as const
/** Of a condition: none, must not exist, must be unchanged. */
const CONDITIONS = { none: 0, absent: 1, token: 2 } as const
/** u8 type ‖ u8 condition ‖ u8 space ‖ u8 length of the token ‖ u16 length of the key ‖ u32 length of the value, or f64 delta */
const WRITE_BYTES = 18

const bytesOf = (write: Write): Buffer | undefined => (write.type === 'put' ? write.value : undefined)
const conditionOf = (write: Write): Token | null | undefined => (write.type === 'add' ? undefined : write.if)

const sizeOf = (write: Write): number =>
  WRITE_BYTES + write.key.length + (bytesOf(write)?.length ?? 0) + (conditionOf(write)?.length ?? 0)

/** u32 number of commits, then of each u32 number of writes and the writes. Memory of its own. */
export function encodeCommits(commits: readonly (readonly Write[])[]): Buffer<ArrayBuffer> {
  let size = 4
  for (const writes of commits) {
    size += 4
    for (const write of writes) size += sizeOf(write)
  }
  const out = Buffer.from(new ArrayBuffer(size))
  let at = out.writeUInt32LE(commits.length, 0)
  for (const writes of commits) {
    at = out.writeUInt32LE(writes.length, at)
    for (const write of writes) at = encodeWrite(out, at, write)
  }
  return out
}

function encodeWrite(out: Buffer, start: number, write: Write): number {
  const condition = conditionOf(write)
  const value = bytesOf(write)
  const { none, absent, token } = CONDITIONS
  out[start] = TYPES.indexOf(write.type)
  out[start + 1] = condition === undefined ? none : condition === null ? absent : token
  out[start + 2] = write.type === 'add' ? 0 : write.space
  out[start + 3] = condition?.length ?? 0
  out.writeUInt16LE(write.key.length, start + 4)
  out.writeUInt32LE(value?.length ?? 0, start + 6)
  out.writeDoubleLE(write.type === 'add' ? write.delta : 0, start + 10)
  let at = start + WRITE_BYTES
  if (condition) at += out.write(condition, at, 'latin1')
  out.set(write.key, at)
  at += write.key.length
  if (value) out.set(value, at)
  return at + (value?.length ?? 0)
}

/** Keys and values are views of `bytes`. */
export function decodeCommits(bytes: Buffer): Write[][] {
  let at = 4
  return Array.from({ length: bytes.readUInt32LE(0) }, () => {
    const count = bytes.readUInt32LE(at)
    at += 4
    return Array.from({ length: count }, () => {
      const { write, end } = decodeWrite(bytes, at)
      at = end
      return write
    })
  })
}

function decodeWrite(bytes: Buffer, start: number): { readonly write: Write; readonly end: number } {
  const type = TYPES[bytes[start] ?? 0] ?? 'check'
  const space = bytes[start + 2] ?? 0
  const tokenEnd = start + WRITE_BYTES + (bytes[start + 3] ?? 0)
  const keyEnd = tokenEnd + bytes.readUInt16LE(start + 4)
  const end = keyEnd + bytes.readUInt32LE(start + 6)
  const key = bytes.subarray(tokenEnd, keyEnd)
  if (type === 'add') return { write: { type, key, delta: bytes.readDoubleLE(start + 10) }, end }
  const token = bytes.toString('latin1', start + WRITE_BYTES, tokenEnd)
  const kind = bytes[start + 1]
  const condition = kind === CONDITIONS.none ? undefined : kind === CONDITIONS.absent ? null : token
  if (type === 'put') {
    const value = bytes.subarray(keyEnd, end)
    return { write: { type, space, key, value, ...(condition === undefined ? {} : { if: condition }) }, end }
  }
  if (type === 'delete') {
    return { write: { type, space, key, ...(typeof condition === 'string' ? { if: condition } : {}) }, end }
  }
  return { write: { type, space, key, if: condition ?? null }, end }
}
