import { createDecipheriv, createPrivateKey, randomBytes, timingSafeEqual, webcrypto } from 'node:crypto'
import { invalidField, kmsError } from './errors.ts'
import { type ImportTokenSecrets, NONCE_BYTES } from './import-token-secrets.ts'

/** Key material as it comes under an import token. */
export interface TransportedMaterial {
  /** RSA-OAEP of the material under the token's public key. */
  readonly payload: Buffer
  /** AES-GCM of the token's nonce under the material, the tag at its end: whoever made it has both. */
  readonly encryptedNonce: Buffer
  readonly iv: Buffer
  readonly algorithm: TransportAlgorithm
}

export const TRANSPORT_ALGORITHMS = ['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1'] as const
export type TransportAlgorithm = (typeof TRANSPORT_ALGORITHMS)[number]

const HASHES = { RSAES_OAEP_SHA_256: 'SHA-256', RSAES_OAEP_SHA_1: 'SHA-1' } as const
const TAG_BYTES = 16
const AES_KEY_BYTES: readonly number[] = [16, 24, 32]

/** The material, for the caller to zero. Throws IncorrectNonceIv, IncorrectNonce, InvalidField. */
export async function openTransport(
  secrets: ImportTokenSecrets,
  { payload, encryptedNonce, iv, algorithm }: TransportedMaterial,
): Promise<Buffer> {
  if (iv.length !== NONCE_BYTES) throw kmsError('IncorrectNonceIv', `the iv has ${NONCE_BYTES} bytes`)
  // What does not decrypt is taken as a key that nobody knows: its nonce proves nothing, as any wrong one.
  const material = (await decryptMaterial(secrets.privateKey, payload, algorithm)) ?? randomBytes(32)
  if (!AES_KEY_BYTES.includes(material.length)) {
    material.fill(0)
    throw invalidField('payload', '16, 24 or 32 bytes under the import token')
  }
  if (provesNonce(material, secrets.nonce, encryptedNonce, iv)) return material
  material.fill(0)
  throw kmsError('IncorrectNonce', 'the encrypted nonce is not that of the import token under the key that came')
}

async function decryptMaterial(
  privateKey: Buffer,
  payload: Buffer,
  algorithm: TransportAlgorithm,
): Promise<Buffer | undefined> {
  const hashed = { name: 'RSA-OAEP', hash: HASHES[algorithm] }
  const key = createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' }).toCryptoKey(hashed, false, [
    'decrypt',
  ])
  try {
    return Buffer.from(await webcrypto.subtle.decrypt({ name: 'RSA-OAEP' }, key, new Uint8Array(payload)))
  } catch {
    return undefined
  }
}

function provesNonce(material: Buffer, nonce: Buffer, encryptedNonce: Buffer, iv: Buffer): boolean {
  if (encryptedNonce.length !== NONCE_BYTES + TAG_BYTES) return false
  const cipher = `aes-${material.length === 16 ? 128 : material.length === 24 ? 192 : 256}-gcm` as const
  const decipher = createDecipheriv(cipher, material, iv, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(encryptedNonce.subarray(NONCE_BYTES))
  const opened = decipher.update(encryptedNonce.subarray(0, NONCE_BYTES))
  try {
    decipher.final()
    return timingSafeEqual(opened, nonce)
  } catch {
    return false
  } finally {
    opened.fill(0)
  }
}
