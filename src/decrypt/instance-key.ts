import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hkdf, KEY_BYTES } from './ciphers.ts'
import { DecryptError, damaged, keyMissing } from './errors.ts'
import { type Members, members, parseJson, textIn } from './json.ts'
import { readKeyMaterial } from './key-material.ts'
import { openPassphraseSeal } from './passphrase.ts'

// docs/envelope-format.md, section 7.

export type InstanceKeyUse = 'kms' | 'iam' | 'token' | 'records' | 'audit'

export const deriveUse = (instanceKey: Uint8Array, use: InstanceKeyUse): Buffer =>
  hkdf(instanceKey, Buffer.alloc(KEY_BYTES), `IKY1/${use}\0`)

export const instanceKeyId = (instanceKey: Uint8Array): string =>
  hkdf(instanceKey, Buffer.alloc(KEY_BYTES), 'IKY1/id\0').toString('hex', 0, 16)

export interface InstanceKeySource {
  /** The key itself, out of a bundle. */
  readonly key?: Buffer | undefined
  readonly keyFile?: string | undefined
  readonly passphrase?: string | undefined
}

/** The instance key of a data directory, compared with the id in its seal file. Throws KeyMissing, KeyWrong, Damaged. */
export function openInstanceKey(directory: string, source: InstanceKeySource): Buffer {
  const seal = readSealFile(directory)
  const keyId = textIn(seal, 'keyId', 'instance-key.json')
  const isFile = textIn(seal, 'method', 'instance-key.json') === 'file'
  const key = source.key ?? (isFile ? fromFile(directory, source) : unsealed(seal, source))
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
  const keyId = textIn(seal, 'keyId', 'instance-key.json')
  return openPassphraseSeal({ members: seal, context: ['instance-key', keyId], keyId }, passphrase, 'instance-key.json')
}
