import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto'
import { encodeList } from '../base/bytes.ts'
import { forged } from './errors.ts'
import { derivePair } from './hkdf.ts'
import { newSalt } from './salt.ts'
import { TAG_SIZE } from './segment.ts'
import { publicSha256 } from './sha256.ts'

/** What a small envelope is for: part of the header, so of every key derived for it. */
export const SMALL_KIND = { manifest: 1, indexRecord: 2, wrap: 3, keySealing: 4, iamSecret: 5 } as const
export type SmallKind = (typeof SMALL_KIND)[keyof typeof SMALL_KIND]

export interface SmallSealing {
  readonly kind: SmallKind
  /** 32 bytes. */
  readonly key: Uint8Array
  /** What the envelope belongs to: the same list must be given to open it. */
  readonly context: readonly (string | Buffer)[]
}

/** Bytes that a small envelope adds to its plaintext. */
export const SMALL_OVERHEAD_BYTES = 88

const MAGIC = Buffer.from('SEV1', 'latin1')
const VERSION = 1
const SUITE_AES_256_GCM_HKDF_SHA_256 = 1
const HEADER_SIZE = 40
const BODY_OFFSET = 72
const CONTEXT_LABEL = Buffer.from('SEV1/ctx\0', 'latin1')
const KEY_LABEL = Buffer.from('SEV1/key\0', 'latin1')
const COMMITMENT_LABEL = Buffer.from('SEV1/cmt\0', 'latin1')
const ALGORITHM = 'aes-256-gcm'
const WITH_TAG = { authTagLength: TAG_SIZE }
// The key serves one message only: its salt is fresh.
const NONCE = Buffer.alloc(12)

/** `keyRef` (16 bytes) tells the reader which key to take; `salt` is random unless a test asks for known bytes. */
export function sealSmall(
  sealing: SmallSealing & { readonly keyRef: Uint8Array; readonly salt?: Buffer },
  plaintext: Uint8Array,
): Buffer {
  const { kind, keyRef, salt = newSalt() } = sealing
  if (keyRef.length !== 16 || salt.length !== 16) throw new RangeError('key reference and salt are 16 bytes each')
  const out = Buffer.allocUnsafe(SMALL_OVERHEAD_BYTES + plaintext.length)
  out.set(MAGIC, 0)
  out[4] = VERSION
  out[5] = SUITE_AES_256_GCM_HKDF_SHA_256
  out[6] = kind
  out[7] = 0
  out.set(keyRef, 8)
  out.set(salt, 24)
  const { key, commitment, context } = keysOf(sealing, out)
  out.set(commitment, HEADER_SIZE)
  const cipher = createCipheriv(ALGORITHM, key, NONCE, WITH_TAG).setAAD(aadOf(out, context))
  out.set(cipher.update(plaintext), BODY_OFFSET)
  cipher.final()
  out.set(cipher.getAuthTag(), out.length - TAG_SIZE)
  key.fill(0)
  return out
}

/** The plaintext, in memory of its own. Throws EnvelopeForged. */
export function openSmall(sealing: SmallSealing, sealed: Buffer): Buffer {
  if (checkedKind(sealed) !== sealing.kind) throw forged('a small envelope of another kind')
  const { key, commitment, context } = keysOf(sealing, sealed)
  try {
    if (!timingSafeEqual(commitment, sealed.subarray(HEADER_SIZE, BODY_OFFSET))) {
      throw forged('a small envelope is committed to another key or context')
    }
    return decrypt(key, aadOf(sealed, context), sealed)
  } finally {
    key.fill(0)
  }
}

/** Which key an envelope asks for (16 bytes): not to be believed before it has opened. Throws EnvelopeForged. */
export function keyRefOf(sealed: Buffer): Buffer {
  checkedKind(sealed)
  return sealed.subarray(8, 24)
}

function decrypt(key: Buffer, aad: Buffer, sealed: Buffer): Buffer {
  const tagOffset = sealed.length - TAG_SIZE
  const decipher = createDecipheriv(ALGORITHM, key, NONCE, WITH_TAG).setAAD(aad).setAuthTag(sealed.subarray(tagOffset))
  const plaintext = decipher.update(sealed.subarray(BODY_OFFSET, tagOffset))
  try {
    decipher.final()
  } catch {
    plaintext.fill(0)
    throw forged('a small envelope does not authenticate')
  }
  return plaintext
}

function checkedKind(sealed: Buffer): number {
  const wellFormed =
    sealed.length >= SMALL_OVERHEAD_BYTES &&
    sealed.subarray(0, 4).equals(MAGIC) &&
    sealed[4] === VERSION &&
    sealed[5] === SUITE_AES_256_GCM_HKDF_SHA_256 &&
    sealed[7] === 0
  if (!wellFormed) throw forged('not a small envelope of this format')
  return sealed.readUInt8(6)
}

function keysOf({ key: root, context: parts }: SmallSealing, sealed: Buffer) {
  if (root.length !== 32) throw new RangeError('a sealing key is 32 bytes')
  const header = sealed.subarray(0, HEADER_SIZE)
  const context = publicSha256(encodeList(parts, CONTEXT_LABEL))
  const keyInfo = Buffer.concat([KEY_LABEL, header, context])
  const commitmentInfo = Buffer.concat([COMMITMENT_LABEL, header, context])
  const [key, commitment] = derivePair(root, header.subarray(24), keyInfo, commitmentInfo)
  return { key, commitment, context }
}

const aadOf = (sealed: Buffer, context: Buffer): Buffer => Buffer.concat([sealed.subarray(0, BODY_OFFSET), context])
