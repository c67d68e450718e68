import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { canonicalJson } from './canonical-json.ts'
import { createExclusive } from './exclusive-file.ts'
import { hasErrno, instanceKeyError } from './instance-key-errors.ts'

const keyId = z.string().regex(/^[0-9a-f]{32}$/)

// Bounds, so that a changed file can neither weaken the derivation nor exhaust the machine.
export const kdf = z.strictObject({
  name: z.literal('argon2id'),
  memoryKiB: z.int().min(19_456).max(4_194_304),
  passes: z.int().min(1).max(64),
  parallelism: z.int().min(1).max(64),
  salt: z.base64().length(24),
})

const sealFile = z.discriminatedUnion('method', [
  z.strictObject({ v: z.literal(1), method: z.literal('file'), keyId }),
  z.strictObject({ v: z.literal(1), method: z.literal('passphrase'), keyId, kdf, sealed: z.base64().max(1_024) }),
])

export type KdfParameters = z.infer<typeof kdf>
/** What a store says of its instance key: which one it is and how it is come by. */
export type SealFile = z.infer<typeof sealFile>
export type PassphraseSeal = Extract<SealFile, { method: 'passphrase' }>

/** Undefined when there is none: a new store. Throws InstanceKeyInvalid. */
export async function readSealFile(path: string): Promise<SealFile | undefined> {
  let version: unknown
  try {
    const given: unknown = JSON.parse(await readFile(path, 'utf8'))
    version = typeof given === 'object' && given !== null ? Reflect.get(given, 'v') : undefined
    return sealFile.parse(given)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    if (typeof version === 'number' && version > 1) {
      throw instanceKeyError('InstanceKeyInvalid', `${path} is of a later Coffer (v ${version}): start that one`, error)
    }
    throw instanceKeyError('InstanceKeyInvalid', `${path} is not a seal file; restore it from a backup`, error)
  }
}

export const sealText = (content: SealFile): string => `${canonicalJson(content)}\n`

/** Throws InstanceKeyInvalid when the file is there already or cannot be made. */
export async function createSealFile(path: string, content: SealFile): Promise<void> {
  try {
    await createExclusive(path, sealText(content))
  } catch (error) {
    throw instanceKeyError('InstanceKeyInvalid', `the seal file ${path} cannot be made`, error)
  }
}
