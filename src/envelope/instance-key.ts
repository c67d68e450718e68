import { randomFillSync } from 'node:crypto'
import { removeDrafts } from './exclusive-file.ts'
import { deriveKey } from './hkdf.ts'
import { instanceKeyError } from './instance-key-errors.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import { openWithPassphrase, sealWithPassphrase } from './passphrase-seal.ts'
import { createSealFile, readSealFile, type SealFile } from './seal-file.ts'

export type { InstanceKeyErrorCode } from './instance-key-errors.ts'

/** What an instance key is used for: each use has a key of its own. */
export type InstanceKeyUse = 'kms' | 'iam' | 'token' | 'records' | 'audit'

/** The 32 random bytes that seal what Coffer keeps of its own: root key material, credentials, records. */
export interface InstanceKey extends Disposable {
  /** 32 bytes for one use, always the same; the caller's own copy. */
  readonly derive: (use: InstanceKeyUse) => Buffer
  /** A copy of the key itself, which the caller zeroes: for a key bundle, and for nothing else. */
  readonly reveal: () => Buffer
  readonly origin: 'file' | 'passphrase'
  /** Made just now: it wants a backup, apart from the data. */
  readonly created: boolean
  /** Public fingerprint, 32 hex digits. */
  readonly id: string
}

export interface InstanceKeySettings {
  readonly keyFile?: string
  readonly passphrase?: string
  /** In the data directory: says which key the store belongs to, and holds the key itself when it has a passphrase. */
  readonly sealFile: string
  /** Make the key file when there is none and the store is new. */
  readonly generateKeyFile?: boolean
}

/** Throws an InstanceKeyErrorCode; nothing of the store has been touched then. */
export async function openInstanceKey(settings: InstanceKeySettings): Promise<InstanceKey> {
  if (settings.keyFile !== undefined && settings.passphrase !== undefined) {
    throw instanceKeyError('InstanceKeyInvalid', 'give a key file or a passphrase, not both')
  }
  await removeDrafts(settings.sealFile)
  if (settings.keyFile !== undefined) await removeDrafts(settings.keyFile)
  const seal = await readSealFile(settings.sealFile)
  return seal === undefined ? sealNewStore(settings) : openStore(settings, seal)
}

async function openStore(settings: InstanceKeySettings, seal: SealFile): Promise<InstanceKey> {
  const key = seal.method === 'file' ? await keyOfFile(settings) : await keyOfPassphrase(settings, seal)
  if (fingerprint(key) !== seal.keyId) {
    key.fill(0)
    throw instanceKeyError('InstanceKeyWrong', `the key is not that of this store, whose key has the id ${seal.keyId}`)
  }
  return instanceKey(key, seal.method, false)
}

async function keyOfFile({ keyFile }: InstanceKeySettings): Promise<Buffer> {
  if (keyFile === undefined)
    throw instanceKeyError('InstanceKeyMissing', 'this store is sealed with a key file; name it')
  const key = await readKeyFile(keyFile)
  // Never generated for a store that has a key: nothing could be read with it.
  if (key === undefined)
    throw instanceKeyError('InstanceKeyMissing', `there is no key file ${keyFile}; restore its backup`)
  return key
}

function keyOfPassphrase(
  { passphrase }: InstanceKeySettings,
  seal: SealFile & { method: 'passphrase' },
): Promise<Buffer> {
  if (passphrase === undefined) {
    throw instanceKeyError('InstanceKeyMissing', 'this store is sealed with a passphrase; give it')
  }
  return openWithPassphrase(seal, passphrase)
}

async function sealNewStore({
  keyFile,
  passphrase,
  sealFile,
  generateKeyFile,
}: InstanceKeySettings): Promise<InstanceKey> {
  if (passphrase !== undefined) {
    const key = randomFillSync(Buffer.alloc(32))
    await createSealFile(sealFile, await sealWithPassphrase(key, fingerprint(key), passphrase))
    return instanceKey(key, 'passphrase', true)
  }
  if (keyFile === undefined)
    throw instanceKeyError('InstanceKeyMissing', 'neither a key file nor a passphrase was given')
  const found = await readKeyFile(keyFile)
  if (found === undefined && generateKeyFile !== true) {
    throw instanceKeyError('InstanceKeyMissing', `there is no key file ${keyFile}`)
  }
  const key = found ?? (await createKeyFile(keyFile))
  await createSealFile(sealFile, { v: 1, method: 'file', keyId: fingerprint(key) })
  return instanceKey(key, 'file', found === undefined)
}

/** One that is in nobody's file: of a key bundle. `key` is zeroed with it. */
export const bareInstanceKey = (key: Buffer): InstanceKey => instanceKey(key, 'file', false)

const NO_SALT = Buffer.alloc(32)
const info = (use: InstanceKeyUse | 'id') => Buffer.from(`IKY1/${use}\0`, 'latin1')
const fingerprint = (key: Buffer): string => deriveKey(key, NO_SALT, info('id')).toString('hex', 0, 16)

function instanceKey(key: Buffer, origin: InstanceKey['origin'], created: boolean): InstanceKey {
  let disposed = false
  const check = (): void => {
    // A zeroed key would still derive.
    if (disposed) throw new Error('the instance key is gone')
  }
  return {
    derive: (use) => {
      check()
      return deriveKey(key, NO_SALT, info(use))
    },
    reveal: () => {
      check()
      return Buffer.alloc(key.length, key)
    },
    origin,
    created,
    id: fingerprint(key),
    [Symbol.dispose]: () => {
      disposed = true
      key.fill(0)
    },
  }
}
