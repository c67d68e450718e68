import { createDecipheriv, hash, hkdfSync, timingSafeEqual } from 'node:crypto'
import { forged } from './errors.ts'

export const KEY_BYTES = 32
export const TAG_BYTES = 16

export const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer')

/** RFC 5869 with SHA-256, one block of output. */
export const hkdf = (key: Uint8Array, salt: Uint8Array, info: Uint8Array | string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, info, KEY_BYTES))

/** `sealed` is ciphertext ‖ tag. Throws Forged. */
export function gcmOpen(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Buffer, what: string): Buffer {
  const end = sealed.length - TAG_BYTES
  if (end < 0) throw forged(`${what} is too short for a tag`)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(aad).setAuthTag(sealed.subarray(end))
  const plaintext = decipher.update(sealed.subarray(0, end))
  try {
    decipher.final()
  } catch {
    throw forged(`the tag of ${what} does not verify`)
  }
  return plaintext
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
