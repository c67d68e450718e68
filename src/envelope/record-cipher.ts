import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { lengthPrefixed } from '../base/bytes.ts'
import type { NonceSource, RecordCipher } from '../base/nonces.ts'
import { type EpochKeys, epochKeys } from './epoch-keys.ts'
import { forged } from './errors.ts'
import { deriveKey } from './hkdf.ts'
import { TAG_SIZE } from './segment.ts'

/** Bytes that sealing adds to a record. */
export const RECORD_OVERHEAD_BYTES = 24

const LABEL = Buffer.from('CRC1/rec\0', 'latin1')
/** u32(epoch) ‖ u32(counter), before the ciphertext. */
const PREFIX_BYTES = 8
const MAX_COUNTER = 2 ** 32 - 1
/** Every opening of the store adds an epoch. */
const CACHED_EPOCHS = 4_096
const ALGORITHM = 'aes-256-gcm'
const WITH_TAG = { authTagLength: TAG_SIZE }

/**
 * Seals records of a store: one AES-256-GCM each under a key of the epoch, nonce = 00^4 ‖ u32(epoch) ‖ u32(counter).
 * `root` (32 bytes) must live as long as the cipher. One `label` for each use of a root; `nonces` must not serve another
 * cipher of the same root and label. `open` throws EnvelopeForged. Keys of more epochs than are cached are derived anew;
 * none is kept after disposal, unless the cache is another's: `shared` belongs to whoever keeps this root.
 */
export function recordCipher(
  root: Buffer,
  nonces: NonceSource,
  label: string,
  { shared, cachedEpochs = CACHED_EPOCHS }: { readonly shared?: EpochKeys; readonly cachedEpochs?: number } = {},
): RecordCipher & Disposable {
  const keys = shared ?? epochKeys(cachedEpochs)
  let disposed = false
  /** Of the latest record: the next one mostly is of the same epoch. */
  let latest: { readonly epoch: number; readonly key: KeyObject } | undefined
  const keyOf = (epoch: number, salt: Buffer): KeyObject => {
    // Its root may be zeroed by now: what it sealed, anybody could open.
    if (disposed) throw new Error('the cipher is disposed')
    const cached = keys.get(label, epoch)
    if (cached !== undefined) return cached
    const bytes = deriveKey(root, salt, Buffer.concat([LABEL, lengthPrefixed(label), u32(epoch)]))
    const key = createSecretKey(bytes)
    bytes.fill(0)
    keys.set(label, epoch, key)
    return key
  }
  const keyToOpen = (epoch: number): KeyObject => {
    if (latest?.epoch === epoch) return latest.key
    const salt = nonces.salt(epoch)
    if (salt === undefined) throw forged('a record of an epoch that this store never had')
    latest = { epoch, key: keyOf(epoch, salt) }
    return latest.key
  }

  return {
    seal: (aad, plaintext) => {
      const { epoch, salt, counter } = nonces.next()
      if (counter > MAX_COUNTER) throw new RangeError('the epoch has no nonces left')
      const out = Buffer.allocUnsafe(RECORD_OVERHEAD_BYTES + plaintext.length)
      out.writeUInt32BE(epoch, 0)
      out.writeUInt32BE(counter, 4)
      const cipher = createCipheriv(ALGORITHM, keyOf(epoch, salt), nonceOf(out), WITH_TAG).setAAD(aadOf(out, aad))
      out.set(cipher.update(plaintext), PREFIX_BYTES)
      cipher.final()
      out.set(cipher.getAuthTag(), out.length - TAG_SIZE)
      return out
    },
    open: (aad, sealed) => {
      if (sealed.length < RECORD_OVERHEAD_BYTES) throw forged('a record is cut short')
      const bytes = Buffer.isBuffer(sealed) ? sealed : Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length)
      const key = keyToOpen(bytes.readUInt32BE(0))
      const tagOffset = bytes.length - TAG_SIZE
      const decipher = createDecipheriv(ALGORITHM, key, nonceOf(bytes), WITH_TAG)
      decipher.setAAD(aadOf(bytes, aad)).setAuthTag(bytes.subarray(tagOffset))
      const plaintext = decipher.update(bytes.subarray(PREFIX_BYTES, tagOffset))
      try {
        decipher.final()
      } catch {
        plaintext.fill(0)
        throw forged('a record does not authenticate')
      }
      return plaintext
    },
    [Symbol.dispose]: () => {
      disposed = true
      latest = undefined
      if (!shared) keys[Symbol.dispose]()
    },
  }
}

/** Node reads both before it returns, so that one piece of memory serves all records: 4 ms of a page of 1,000. */
const nonce = Buffer.alloc(12)
const aadRoom = Buffer.allocUnsafeSlow(4096)

function nonceOf(sealed: Buffer): Buffer {
  copyPrefix(sealed, nonce, 4)
  return nonce
}

function aadOf(sealed: Buffer, aad: Uint8Array): Buffer {
  const length = PREFIX_BYTES + aad.length
  const room = length <= aadRoom.length ? aadRoom.subarray(0, length) : Buffer.allocUnsafe(length)
  copyPrefix(sealed, room, 0)
  room.set(aad, PREFIX_BYTES)
  return room
}

/** Of so few bytes each is copied sooner than a view of them is made. */
function copyPrefix(sealed: Buffer, to: Buffer, at: number): void {
  for (let index = 0; index < PREFIX_BYTES; index++) to[at + index] = sealed[index] ?? 0
}

function u32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value, 0)
  return out
}
