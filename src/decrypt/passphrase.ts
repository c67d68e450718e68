import { argon2Sync } from 'node:crypto'
import { KEY_BYTES } from './ciphers.ts'
import { DecryptError, damaged, isDecryptError } from './errors.ts'
import { canonicalJson, type Members, numberIn, optionalMembers, textIn } from './json.ts'
import { openSmall } from './small-envelope.ts'

// docs/envelope-format.md, section 7: what a passphrase seals, an instance key or a key bundle.

const SALT_BYTES = 16

export interface PassphraseSealing {
  /** `kdf` and `sealed`. */
  readonly members: Members
  /** Of the small envelope, without the parameters of Argon2id, which are its last part. */
  readonly context: readonly string[]
  /** Id of the instance key. */
  readonly keyId: string
}

/** Throws KeyWrong, Damaged; `what` is the file that has the members. */
export function openPassphraseSeal(
  { members, context, keyId }: PassphraseSealing,
  passphrase: string,
  what: string,
): Buffer {
  const kdf = optionalMembers(members, 'kdf')
  if (kdf === undefined || textIn(kdf, 'name', 'kdf') !== 'argon2id') throw damaged(`${what} has no argon2id`)
  // One that somebody changed is not to take all memory, or for ever.
  const within = (name: string, min: number, max: number): number => {
    const value = numberIn(kdf, name, 'kdf')
    if (value < min || value > max) throw damaged(`${what} has ${name} ${value}, out of ${min} to ${max}`)
    return value
  }
  const salt = Buffer.from(textIn(kdf, 'salt', 'kdf'), 'base64')
  if (salt.length !== SALT_BYTES) throw damaged(`${what} has a salt of ${salt.length} bytes, not ${SALT_BYTES}`)
  const key = argon2Sync('argon2id', {
    message: Buffer.from(passphrase.normalize('NFC'), 'utf8'),
    nonce: salt,
    parallelism: within('parallelism', 1, 64),
    tagLength: KEY_BYTES,
    memory: within('memoryKiB', 19_456, 4 * 1024 * 1024),
    passes: within('passes', 1, 64),
  })
  const sealed = Buffer.from(textIn(members, 'sealed', what), 'base64')
  const opening = { kind: 4, key, context: [...context, canonicalJson(kdf)], reference: Buffer.from(keyId, 'hex') }
  try {
    return openSmall(opening, sealed, what)
  } catch (error) {
    if (!isDecryptError(error, 'Forged')) throw error
    throw new DecryptError('KeyWrong', `this passphrase is not the one that ${what} was sealed with`)
  }
}
