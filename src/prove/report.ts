import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { damaged, usage } from '../decrypt/errors.ts'
import { deriveUse } from '../decrypt/instance-key.ts'
import { canonicalJson, members, textIn } from '../decrypt/json.ts'

// docs/prove.md, section 4.

const PREFIX = 'coffer-prove-report-1\n'
/** Before the 32 bytes of the seed: an Ed25519 private key, PKCS #8 (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

export interface SignedReport {
  readonly report: object
  readonly signature?: {
    readonly algorithm: 'Ed25519'
    readonly keyId: string
    readonly publicKey: string
    readonly value: string
  }
}

/** The key that signs the audit log: docs/audit-log.md, section 1. */
export const auditKey = (instanceKey: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8, deriveUse(instanceKey, 'audit')]), format: 'der', type: 'pkcs8' })

/** Throws Usage for what is no Ed25519 key. */
export function privateKeyFrom(pem: Buffer, path: string): KeyObject {
  const key = read(() => createPrivateKey(pem), path)
  return ofEd25519(key, path)
}

export const publicKeyFrom = (pem: string | Buffer, path: string): KeyObject =>
  ofEd25519(
    read(() => createPublicKey(pem), path),
    path,
  )

function read(work: () => KeyObject, path: string): KeyObject {
  try {
    return work()
  } catch {
    throw usage(`${path} holds no key in PEM`)
  }
}

function ofEd25519(key: KeyObject, path: string): KeyObject {
  if (key.asymmetricKeyType !== 'ed25519') throw usage(`${path} holds no Ed25519 key`)
  return key
}

const signedBytes = (report: object): Buffer => Buffer.from(PREFIX + canonicalJson(report))

export function signReport(report: object, key: KeyObject | undefined): SignedReport {
  if (!key) return { report }
  const publicKey = createPublicKey(key)
  const value = sign(null, signedBytes(report), key).toString('base64url')
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  return { report, signature: { algorithm: 'Ed25519', keyId: keyIdOf(publicKey), publicKey: pem, value } }
}

/** As the audit log names keys. */
export function keyIdOf(publicKey: KeyObject): string {
  const der = publicKey.export({ format: 'der', type: 'spki' })
  return createHash('sha256').update(der).digest('hex').slice(0, 32)
}

export interface CheckedReport {
  readonly report: Readonly<Record<string, unknown>>
  readonly signature: 'none' | 'right' | 'wrong'
  readonly keyId: string | undefined
}

/** `trusted` undefined: the key that the report names itself. Throws Damaged for what is no report. */
export function checkReport(json: unknown, trusted: KeyObject | undefined): CheckedReport {
  const all = members(json, 'the report')
  const report = members(all['report'], 'the report')
  if (report['format'] !== 'coffer-prove-1') throw damaged('this is no report of coffer prove')
  if (all['signature'] === undefined) return { report, signature: 'none', keyId: undefined }
  const signature = members(all['signature'], 'the signature')
  const key = trusted ?? publicKeyFrom(textIn(signature, 'publicKey', 'the signature'), 'the report')
  const value = Buffer.from(textIn(signature, 'value', 'the signature'), 'base64url')
  const isRight = verify(null, signedBytes(report), key, value)
  return { report, signature: isRight ? 'right' : 'wrong', keyId: keyIdOf(key) }
}
