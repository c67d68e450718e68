import { argon2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { hasCode } from '../base/errors.ts'
import { canonicalJson } from './canonical-json.ts'
import type { EnvelopeErrorCode } from './errors.ts'
import { instanceKeyError } from './instance-key-errors.ts'
import type { KdfParameters, PassphraseSeal } from './seal-file.ts'
import { openSmall, SMALL_KIND, type SmallSealing, sealSmall } from './small-envelope.ts'

const MIN_CHARACTERS = 12
/** RFC 9106, 4: the second recommended setting. */
const COST = { name: 'argon2id', memoryKiB: 65_536, passes: 3, parallelism: 4 } as const

const derive = promisify(argon2)

/** Seals an instance key under a passphrase. Throws InstanceKeyInvalid when the passphrase is too short. */
export async function sealWithPassphrase(key: Buffer, keyId: string, passphrase: string): Promise<PassphraseSeal> {
  checkPassphrase(passphrase)
  const kdf = newKdf()
  const sealed = await withSealing(passphrase, keyId, kdf, (sealing) =>
    sealSmall({ ...sealing, keyRef: Buffer.from(keyId, 'hex') }, key),
  )
  return { v: 1, method: 'passphrase', keyId, kdf, sealed: sealed.toString('base64') }
}

/** What is wrong with it. */
export const passphraseProblem = (passphrase: string): string | undefined =>
  [...passphrase].length < MIN_CHARACTERS ? `the passphrase must have at least ${MIN_CHARACTERS} characters` : undefined

/** Throws InstanceKeyInvalid. */
export function checkPassphrase(passphrase: string): void {
  const problem = passphraseProblem(passphrase)
  if (problem !== undefined) throw instanceKeyError('InstanceKeyInvalid', problem)
}

/** The instance key. Throws InstanceKeyWrong. */
export async function openWithPassphrase(seal: PassphraseSeal, passphrase: string): Promise<Buffer> {
  const sealed = Buffer.from(seal.sealed, 'base64')
  try {
    return await withSealing(passphrase, seal.keyId, seal.kdf, (sealing) => openSmall(sealing, sealed))
  } catch (error) {
    if (!hasCode<EnvelopeErrorCode>(error, 'EnvelopeForged')) throw error
    throw instanceKeyError('InstanceKeyWrong', 'the passphrase is not the one that this store was sealed with', error)
  }
}

export const newKdf = (): KdfParameters => ({ ...COST, salt: randomBytes(16).toString('base64') })

const withSealing = <Result>(
  passphrase: string,
  keyId: string,
  kdf: KdfParameters,
  use: (sealing: SmallSealing) => Result,
): Promise<Result> =>
  withPassphraseKey(passphrase, kdf, (key) =>
    use({ kind: SMALL_KIND.keySealing, key, context: ['instance-key', keyId, canonicalJson(kdf)] }),
  )

/** With the 32 bytes that follow from a passphrase, which are zeroed afterwards. */
export async function withPassphraseKey<Result>(
  passphrase: string,
  kdf: KdfParameters,
  use: (key: Buffer) => Result,
): Promise<Result> {
  const key = await derive('argon2id', {
    // The same characters typed on another keyboard may come as other code points.
    message: Buffer.from(passphrase.normalize('NFC'), 'utf8'),
    nonce: Buffer.from(kdf.salt, 'base64'),
    parallelism: kdf.parallelism,
    tagLength: 32,
    memory: kdf.memoryKiB,
    passes: kdf.passes,
  })
  try {
    return use(key)
  } finally {
    key.fill(0)
  }
}
