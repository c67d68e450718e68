import { createHmac, createSecretKey } from 'node:crypto'
import { lengthPrefixed } from '../base/bytes.ts'
import { deriveKey } from './hkdf.ts'

const NO_SALT = Buffer.alloc(32)
const LABEL = Buffer.from('CRC1/log\0', 'latin1')
const MARK_BYTES = 16

/**
 * Marks the batches of a store's log, so that no name a client chose can pass for one. `root` (32 bytes) may go at once;
 * `label` is the store's own. The same number has the same mark, 16 bytes, always.
 */
export function logMark(root: Buffer, label: string): (sequence: number) => Buffer {
  const bytes = deriveKey(root, NO_SALT, Buffer.concat([LABEL, lengthPrefixed(label)]))
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return (sequence) => {
    const number = Buffer.allocUnsafe(6)
    number.writeUIntBE(sequence, 0, 6)
    return createHmac('sha256', key).update(number).digest().subarray(0, MARK_BYTES)
  }
}
