import { CodedError } from '../../base/errors.ts'
import type { Entry, MetadataStoreErrorCode, Space, Token } from './metadata-store.ts'

/** Space 255, the store's own: one byte of kind, then the rest. docs/storage-format.md is normative. */
const OWN = 0xff
export const FORMAT_KEY = Buffer.from([OWN, 0x66])
export const SEQUENCE_KEY = Buffer.from([OWN, 0x73])
export const FORMAT = Buffer.from('coffer-metadata-1')

const COUNTER = Buffer.from([OWN, 0x63])
export const counterKey = (key: Buffer): Buffer => Buffer.concat([COUNTER, key])
export const counterName = (stored: Buffer): Buffer => stored.subarray(COUNTER.length)

export function spaceKey(space: Space, key: Buffer): Buffer {
  const stored = Buffer.allocUnsafe(1 + key.length)
  stored[0] = space
  stored.set(key, 1)
  return stored
}

/** Before every value: the sequence number of its write, six bytes big-endian. */
const SEQUENCE_BYTES = 6

export function encodeValue(sequence: number, value: Buffer): Buffer {
  const stored = Buffer.allocUnsafe(SEQUENCE_BYTES + value.length)
  stored.writeUIntBE(sequence, 0, SEQUENCE_BYTES)
  stored.set(value, SEQUENCE_BYTES)
  return stored
}

/** The sequence number that starts a stored value; also the whole value of the SEQUENCE_KEY row. */
export function sequenceOf(stored: Buffer): number {
  if (stored.length < SEQUENCE_BYTES) throw corrupt('a stored value is too short')
  return stored.readUIntBE(0, SEQUENCE_BYTES)
}

export const decodeEntry = (key: Buffer, stored: Buffer): Entry => new StoredEntry(key, stored)

/** Of most rows of a page that was listed before nobody looks at the value. */
class StoredEntry implements Entry {
  readonly key: Buffer
  readonly token: Token
  readonly #stored: Buffer

  constructor(key: Buffer, stored: Buffer) {
    this.key = key
    this.token = String(sequenceOf(stored))
    this.#stored = stored
  }

  get value(): Buffer {
    return this.#stored.subarray(SEQUENCE_BYTES)
  }
}

export function encodeCounter(value: number): Buffer {
  const stored = Buffer.allocUnsafe(8)
  stored.writeBigInt64BE(BigInt(value))
  return stored
}

export function decodeCounter(stored: Buffer): number {
  if (stored.length !== 8) throw corrupt('a stored counter has a wrong length')
  return Number(stored.readBigInt64BE())
}

export const corrupt = (message: string, cause?: unknown): CodedError<MetadataStoreErrorCode> =>
  new CodedError('MetadataCorrupt', message, { cause })
