/**
 * Memory of large chunks, freed as soon as it is used up. V8 frees what lies outside its heap only with a collection of
 * the whole heap, and begins one for every 64 MiB of that: in a server of 50 MiB they were 60 % of the CPU of a large PUT,
 * and the chunks that waited for them half of the memory. Sealing 64 KiB takes 10 us where it took 23.
 */
const handedOver = new WeakSet<ArrayBufferLike>()

/** Smaller ones cost more to free than to leave, and may share their memory with others. */
const LEAST_BYTES = 16 * 1024

/** Says of a chunk that whoever is handed it last is the only one to use its memory. Gives it back. */
export function handOver<T extends Uint8Array>(chunk: T): T {
  if (chunk.length >= LEAST_BYTES && chunk.length === chunk.buffer.byteLength) handedOver.add(chunk.buffer)
  return chunk
}

/** Frees the memory of which a chunk is a view, if it was handed over; nothing of it may be used any more. */
export function spend({ buffer }: Uint8Array): void {
  if (!handedOver.delete(buffer)) return
  // The language's only way to give memory up: what it is moved to has no bytes, and nobody keeps that.
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** Spends the chunks of one stream, of which several in a row may be views of the same memory, as their bytes are used. */
export interface Spending {
  readonly received: (chunk: Uint8Array) => void
  readonly used: (lengthBytes: number) => void
}

export function spending(): Spending {
  const waiting: { last: Uint8Array; end: number }[] = []
  let receivedBytes = 0
  let usedBytes = 0
  return {
    received: (chunk) => {
      receivedBytes += chunk.length
      const newest = waiting.at(-1)
      if (newest?.last.buffer === chunk.buffer) newest.end = receivedBytes
      else waiting.push({ last: chunk, end: receivedBytes })
    },
    used: (lengthBytes) => {
      usedBytes += lengthBytes
      // The newest may be followed by another view of its memory.
      for (;;) {
        const [oldest] = waiting
        if (!oldest || waiting.length === 1 || oldest.end > usedBytes) return
        waiting.shift()
        spend(oldest.last)
      }
    },
  }
}
