/**
 * Buffers to read ciphertext into, again and again: the collector of garbage frees large ones late, and the system's
 * allocator returns hardly any of them.
 */
export interface BufferPool {
  /** Exactly `lengthBytes` long; its content is whatever was read into it last. */
  readonly take: (lengthBytes: number) => Buffer
  /** Nobody may use the buffer any more. */
  readonly give: (buffer: Buffer) => void
}

/** Keeps at most `maxIdleBytes` for later. */
export function bufferPool(maxIdleBytes: number): BufferPool {
  const idle = new Map<number, Buffer[]>()
  let idleBytes = 0
  return {
    take: (lengthBytes) => {
      const buffer = idle.get(lengthBytes)?.pop()
      if (!buffer) return Buffer.allocUnsafeSlow(lengthBytes)
      idleBytes -= lengthBytes
      return buffer
    },
    give: (buffer) => {
      if (idleBytes + buffer.length > maxIdleBytes) return
      idleBytes += buffer.length
      const ofLength = idle.get(buffer.length)
      if (ofLength) ofLength.push(buffer)
      else idle.set(buffer.length, [buffer])
    },
  }
}
