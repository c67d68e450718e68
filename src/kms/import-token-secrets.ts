import { generateKeyPair, randomFillSync } from 'node:crypto'
import { promisify } from 'node:util'
import { uuidToBytes } from '../base/ids.ts'
import { openSmall, SMALL_KIND, sealSmall } from '../envelope/small-envelope.ts'
import { kmsError } from './errors.ts'

/** Key Protect: as long as the initialization vector of AES-GCM. */
export const NONCE_BYTES = 12

/** What of an import token nobody but the service may have, and the nonce that only who asked for the token knows. */
export interface ImportTokenSecrets extends Disposable {
  readonly nonce: Buffer
  /** PKCS #8, DER. */
  readonly privateKey: Buffer
}

const generate = promisify(generateKeyPair)

/** RSA keys take long to find: off the main thread. `publicKey` is PEM of SPKI. */
export async function newTokenKeys(
  modulusLength: number,
): Promise<{ readonly publicKey: string; readonly secrets: ImportTokenSecrets }> {
  const { publicKey, privateKey } = await generate('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  })
  return { publicKey, secrets: secretsOf(randomFillSync(Buffer.alloc(NONCE_BYTES)), privateKey) }
}

const secretsOf = (nonce: Buffer, privateKey: Buffer): ImportTokenSecrets => ({
  nonce,
  privateKey,
  [Symbol.dispose]: () => {
    nonce.fill(0)
    privateKey.fill(0)
  },
})

export function sealSecrets(
  sealingKey: Buffer,
  instanceId: string,
  tokenId: string,
  { nonce, privateKey }: ImportTokenSecrets,
): Buffer {
  const plaintext = Buffer.concat([nonce, privateKey])
  try {
    return sealSmall({ ...sealing(sealingKey, instanceId, tokenId), keyRef: uuidToBytes(tokenId) }, plaintext)
  } finally {
    plaintext.fill(0)
  }
}

/** Throws KeyDamaged. */
export function openSecrets(
  sealingKey: Buffer,
  instanceId: string,
  tokenId: string,
  sealed: Buffer,
): ImportTokenSecrets {
  try {
    const plaintext = openSmall(sealing(sealingKey, instanceId, tokenId), sealed)
    return secretsOf(plaintext.subarray(0, NONCE_BYTES), plaintext.subarray(NONCE_BYTES))
  } catch (cause) {
    throw kmsError('KeyDamaged', 'an import token does not open under the sealing key', {}, cause)
  }
}

const sealing = (key: Buffer, instanceId: string, tokenId: string) =>
  ({ kind: SMALL_KIND.keySealing, key, context: ['import-token', instanceId, tokenId] }) as const
