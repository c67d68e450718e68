import { ApiError } from './api-error.ts'
import { createImportToken, getImportToken, type SealedMaterial } from './key-protect.ts'
import type { Instance } from './session.ts'

const IV_BYTES = 12
export const MATERIAL_BYTES: readonly number[] = [16, 24, 32]

/** The bytes that the text is base64 of; undefined when it is not that. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const plain = text.replaceAll(/\s/g, '')
  if (plain === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(plain)) return undefined
  try {
    return Uint8Array.from(atob(plain), (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}

const toBase64 = (bytes: ArrayBuffer | Uint8Array): string =>
  btoa(String.fromCharCode(...(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes))))

/** Browsers encrypt only on pages that came over TLS, or from this machine. */
export const canSeal = (): boolean => globalThis.isSecureContext && globalThis.crypto.subtle !== undefined

/**
 * Key Protect's secure import: the material under the public key of an import token of the instance, and the token's nonce
 * under the material, which proves that whoever sends it has both. The material leaves this page as ciphertext alone.
 */
export async function sealMaterial(
  instance: Pick<Instance, 'guid'>,
  material: Uint8Array<ArrayBuffer>,
): Promise<SealedMaterial> {
  if (!canSeal()) throw new ApiError({ code: 'NoEncryption', message: NO_ENCRYPTION, status: 0 })
  await createImportToken(instance)
  const token = await getImportToken(instance)
  const { subtle } = globalThis.crypto
  const publicKey = await subtle.importKey(
    'spki',
    derOf(atob(token.payload)),
    { name: 'RSA-OAEP', hash: 'SHA-256' },
    false,
    ['encrypt'],
  )
  const nonceKey = await subtle.importKey('raw', material, 'AES-GCM', false, ['encrypt'])
  const iv = globalThis.crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const nonce = fromBase64(token.nonce)
  if (!nonce) throw new ApiError({ code: 'Unreadable', message: 'The import token has no nonce.', status: 0 })
  const [payload, encryptedNonce] = await Promise.all([
    subtle.encrypt({ name: 'RSA-OAEP' }, publicKey, material),
    subtle.encrypt({ name: 'AES-GCM', iv }, nonceKey, nonce),
  ])
  return {
    payload: toBase64(payload),
    encryptedNonce: toBase64(encryptedNonce),
    iv: toBase64(iv),
    encryptionAlgorithm: 'RSAES_OAEP_SHA_256',
  }
}

const NO_ENCRYPTION =
  'This browser encrypts nothing on a page that came without TLS. Open the console over https, or use coffer key import.'

/** Of a PEM. */
function derOf(pem: string): Uint8Array<ArrayBuffer> {
  const der = fromBase64(pem.replaceAll(/-----[^-]+-----/g, ''))
  if (!der) throw new ApiError({ code: 'Unreadable', message: 'The import token has no public key.', status: 0 })
  return der
}
