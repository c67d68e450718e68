import { randomFillSync } from 'node:crypto'
import type { EpochKeys } from './epoch-keys.ts'

/** A data encryption key: 32 bytes, seals one object version. `using dek = newDek()` zeroes it at the end of the scope. */
export interface Dek extends Disposable {
  /** The caller must not keep a view beyond the Dek's life. */
  readonly bytes: Buffer
  /** Of a key that a cache keeps: what was derived from it, which is kept as long as the key is and no longer. */
  readonly epochKeys?: EpochKeys
  /** Of a DEK that is in a cache, and of copies of it. */
  readonly kept?: Kept | undefined
}

/** A place for what is derived from a cached DEK: it goes with it. */
export interface Kept {
  /** False once the DEK has left the cache, for whatever reason, and with it all that was held. */
  readonly isOpen: () => boolean
  /** Takes over `derived`, of about so many bytes, in place of what was held before; disposes it when there is no room. */
  readonly hold: (derived: Disposable, bytes: number) => void
}

/** Takes over `bytes` (which must not come from Node's shared pool) and zeroes them on dispose. */
export function dekFrom(bytes: Buffer, kept?: Kept): Dek {
  return { bytes, kept, [Symbol.dispose]: () => void bytes.fill(0) }
}

const DEK_BYTES = 32
/** A call of the generator costs 1.5 µs however little it gives: 128 keys are drawn at a time. */
const pool = Buffer.allocUnsafeSlow(128 * DEK_BYTES)
let at = pool.length

/** Nothing of it stays in the pool. */
export function newDek(): Dek {
  if (at === pool.length) {
    randomFillSync(pool)
    at = 0
  }
  const bytes = Buffer.alloc(DEK_BYTES)
  pool.copy(bytes, 0, at, at + DEK_BYTES)
  pool.fill(0, at, at + DEK_BYTES)
  at += DEK_BYTES
  return dekFrom(bytes)
}
