import { randomFillSync } from 'node:crypto'

/** A data encryption key: 32 bytes, seals one object version. `using dek = newDek()` zeroes it at the end of the scope. */
export interface Dek extends Disposable {
  /** The caller must not keep a view beyond the Dek's life. */
  readonly bytes: Buffer
}

/** Takes over `bytes` (which must not come from Node's shared pool) and zeroes them on dispose. */
export function dekFrom(bytes: Buffer): Dek {
  return { bytes, [Symbol.dispose]: () => void bytes.fill(0) }
}

export function newDek(): Dek {
  return dekFrom(randomFillSync(Buffer.alloc(32)))
}
