import type { Space } from './metadata-store.ts'

/**
 * How often rows have changed, in memory that all threads share: the number of a row is the one of its slot, which it has in
 * common with others. It grows after a commit is written and before anybody is told of it, so that what was read of a row
 * while its number was the same is what there is.
 */
export interface Generations {
  /** Where the number of a row stands. */
  readonly slotOf: (space: Space, key: Uint8Array) => number
  /** Where the number stands of all rows whose keys begin with the same AREA_BYTES. */
  readonly areaOf: (space: Space, key: Uint8Array) => number
  readonly at: (slot: number) => number
  /** `stored`: the byte of the space, then the key. */
  readonly changed: (stored: Uint8Array) => void
}

export const AREA_BYTES = 16

/** 256 KiB: with 8 MiB of rows in a cache of a page of memory each two share a number by chance, which costs a read. */
const SLOTS = 2 ** 16

export const generationMemory = (): SharedArrayBuffer => new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT)

export function generations(memory: SharedArrayBuffer): Generations {
  const numbers = new Int32Array(memory)
  return {
    slotOf: (space, key) => slot(hashed(step(OFFSET, space), key, 0, key.length)),
    areaOf: (space, key) => slot(hashed(step(OFFSET, space), key, 0, Math.min(AREA_BYTES, key.length))),
    at: (index) => Atomics.load(numbers, index),
    changed: (stored) => {
      const end = Math.min(1 + AREA_BYTES, stored.length)
      const area = hashed(OFFSET, stored, 0, end)
      Atomics.add(numbers, slot(hashed(area, stored, end, stored.length)), 1)
      Atomics.add(numbers, slot(area), 1)
    },
  }
}

// FNV-1a.
const OFFSET = 0x811c9dc5
const step = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193)

function hashed(start: number, bytes: Uint8Array, from: number, to: number): number {
  let hash = start
  for (let at = from; at < to; at++) hash = step(hash, bytes[at] ?? 0)
  return hash
}

const slot = (hash: number): number => (hash ^ (hash >>> 16)) & (SLOTS - 1)
