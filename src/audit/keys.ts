import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import { decodeBase64url } from '../base/decode.ts'
import { CodedError } from '../base/errors.ts'
import { signedText } from './format.ts'

export interface SigningKey {
  readonly keyId: string
  /** SPKI, with a newline at its end. */
  readonly publicKeyPem: string
  /** Base64url, of the hash of a checkpoint. */
  readonly sign: (lineHash: string) => string
  /** Base64url, of the manifest of a backup: its SHA-256 in hex (docs/backup.md). */
  readonly signBackup: (digest: string) => string
}

/** RFC 8410: PKCS #8 of an Ed25519 key, up to its 32 bytes. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** `seed`: 32 bytes, from which the key pair follows; the caller zeroes them. */
export function openSigningKey(seed: Buffer): SigningKey {
  const der = Buffer.concat([PKCS8_PREFIX, seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  const publicKey = createPublicKey(privateKey)
  return {
    keyId: keyIdOf(publicKey),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (lineHash) => sign(null, signedText(lineHash), privateKey).toString('base64url'),
    signBackup: (digest) => sign(null, backupText(digest), privateKey).toString('base64url'),
  }
}

/** The first 32 hex digits of SHA-256 over the SPKI. */
const keyIdOf = (key: KeyObject): string =>
  hash('sha256', key.export({ type: 'spki', format: 'der' }), 'hex').slice(0, 32)

/** Public keys by key id: one, or several after a change of the instance key. */
export type PublicKeys = ReadonlyMap<string, KeyObject>

export type AuditKeyErrorCode = 'AuditKeyInvalid'

/** From a file with one or more PEM blocks. Throws AuditKeyInvalid. */
export function readPublicKeys(pem: string): PublicKeys {
  const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g) ?? []
  const keys = blocks.map((block) => {
    const key = publicKey(block)
    if (key?.asymmetricKeyType !== 'ed25519') throw invalid('one of its keys is no Ed25519 public key')
    return [keyIdOf(key), key] as const
  })
  if (keys.length === 0) throw invalid('it holds no PEM block PUBLIC KEY')
  return new Map(keys)
}

function publicKey(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem)
  } catch {
    return undefined
  }
}

const invalid = (why: string): CodedError<AuditKeyErrorCode> =>
  new CodedError('AuditKeyInvalid', `this is not the public key of an audit log: ${why}`)

/** No line of a log is signed as this, so neither passes for the other. */
const backupText = (digest: string): Buffer => Buffer.from(`coffer-backup-1\n${digest}`, 'latin1')

export function isBackupSignedBy(key: KeyObject, digest: string, signature: string): boolean {
  const bytes = decodeBase64url(signature)
  return bytes !== undefined && verify(null, backupText(digest), key, bytes)
}

export function isSignedBy(key: KeyObject, lineHash: string, signature: string): boolean {
  const bytes = decodeBase64url(signature)
  return bytes !== undefined && verify(null, signedText(lineHash), key, bytes)
}
