import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto'

export interface GivenImportToken {
  /** Base64 of PEM. */
  readonly payload: string
  /** Base64. */
  readonly nonce: string
}

/** The members of a request that brings `material` under the token, as Key Protect's own tools make them. */
export function transported(
  token: GivenImportToken,
  material: Buffer,
  { hash = 'sha256', iv = randomBytes(12), nonce = Buffer.from(token.nonce, 'base64') } = {},
) {
  const key = Buffer.from(token.payload, 'base64').toString('latin1')
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return {
    payload: publicEncrypt({ key, padding, oaepHash: hash }, material).toString('base64'),
    encryptedNonce: encryptNonce(material, iv, nonce),
    iv: iv.toString('base64'),
  }
}

function encryptNonce(material: Buffer, iv: Buffer, nonce: Buffer): string {
  const name = material.length === 16 ? 'aes-128-gcm' : material.length === 24 ? 'aes-192-gcm' : 'aes-256-gcm'
  const cipher = createCipheriv(name, material, iv)
  return Buffer.concat([cipher.update(nonce), cipher.final(), cipher.getAuthTag()]).toString('base64')
}
