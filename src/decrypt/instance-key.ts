import { argon2Sync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hkdf, KEY_BYTES } from './ciphers.ts'
import { DecryptError, damaged, isDecryptError, keyMissing } from './errors.ts'
import { canonicalJson, type Members, members, numberIn, optionalMembers, parseJson, textIn } from './json.ts'
import { readKeyMaterial } from './key-material.ts'
import { openSmall } from './small-envelope.ts'

// docs/envelope-format.md, section 7.

export type InstanceKeyUse = 'kms' | 'iam' | 'token' | 'records' | 'audit'

export const deriveUse = (instanceKey: Uint8Array, use: InstanceKeyUse): Buffer =>
  hkdf(instanceKey, Buffer.alloc(KEY_BYTES), `IKY1/${use}\0`)

export const instanceKeyId = (instanceKey: Uint8Array): string =>
  hkdf(instanceKey, Buffer.alloc(KEY_BYTES), 'IKY1/id\0').toString('hex', 0, 16)

export interface InstanceKeySource {
  readonly keyFile?: string | undefined
  readonly passphrase?: string | undefined
}

/** The instance key of a data directory, compared with the id in its seal file. Throws KeyMissing, KeyWrong, Damaged. */
export function openInstanceKey(directory: string, source: InstanceKeySource): Buffer {
  const seal = readSealFile(directory)
  const keyId = textIn(seal, 'keyId', 'instance-key.json')
  const key =
    textIn(seal, 'method', 'instance-key.json') === 'file' ? fromFile(directory, source) : unsealed(seal, source)
  if (instanceKeyId(key) !== keyId)
    throw new DecryptError('KeyWrong', `this instance key is not the one of ${directory}, whose id is ${keyId}`)
  return key
}

export const readSealFile = (directory: string): Members =>
  members(parseJson(readFileSync(join(directory, 'instance-key.json')), 'instance-key.json'), 'instance-key.json')

function fromFile(directory: string, { keyFile }: InstanceKeySource): Buffer {
  const path = keyFile ?? `${directory.replace(/\/+$/, '')}.key`
  const [key, ...more] = readKeyMaterial(path, [KEY_BYTES])
  if (key === undefined || more.length > 0) throw damaged(`${path} holds no instance key`)
  return key
}

function unsealed(seal: Members, { passphrase }: InstanceKeySource): Buffer {
  if (passphrase === undefined) throw keyMissing('this store has a passphrase: give it with --passphrase-file')
  const kdf = optionalMembers(seal, 'kdf')
  if (kdf === undefined || textIn(kdf, 'name', 'kdf') !== 'argon2id') throw damaged('instance-key.json has no argon2id')
  const key = argon2Sync('argon2id', {
    message: Buffer.from(passphrase.normalize('NFC'), 'utf8'),
    nonce: Buffer.from(textIn(kdf, 'salt', 'kdf'), 'base64'),
    parallelism: within(kdf, 'parallelism', 1, 64),
    tagLength: KEY_BYTES,
    memory: within(kdf, 'memoryKiB', 19_456, 4 * 1024 * 1024),
    passes: within(kdf, 'passes', 1, 64),
  })
  const keyId = textIn(seal, 'keyId', 'instance-key.json')
  const context = ['instance-key', keyId, canonicalJson(kdf)]
  const sealed = Buffer.from(textIn(seal, 'sealed', 'instance-key.json'), 'base64')
  try {
    return openSmall({ kind: 4, key, context, reference: Buffer.from(keyId, 'hex') }, sealed, 'the instance key')
  } catch (error) {
    if (!isDecryptError(error, 'Forged')) throw error
    throw new DecryptError('KeyWrong', 'this passphrase is not the one that the store was sealed with')
  }
}

/** A seal file that somebody changed is not to take all memory, or for ever. */
function within(kdf: Members, name: string, min: number, max: number): number {
  const value = numberIn(kdf, name, 'kdf')
  if (value < min || value > max) throw damaged(`instance-key.json has ${name} ${value}, out of ${min} to ${max}`)
  return value
}
