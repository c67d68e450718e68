import { randomFillSync, timingSafeEqual } from 'node:crypto'
import { ownCopy } from '../base/bytes.ts'
import { hasCode } from '../base/errors.ts'
import { uuidFromBytes, uuidToBytes } from '../base/ids.ts'
import { deriveKey } from '../envelope/hkdf.ts'
import { keyRefOf, openSmall, SMALL_KIND, sealSmall } from '../envelope/small-envelope.ts'
import type { KeyEntry } from './catalog.ts'
import { kmsError } from './errors.ts'
import type { KeyVersion } from './key-versions.ts'

export const ROOT_KEY_BYTES = 32
const SHORT_KEY_LABEL = Buffer.from('SEV1/root\0', 'latin1')
const NO_SALT = Buffer.alloc(0)

/** What a key protects itself with: the only place where material is in clear, and only in memory. */
export interface Materials {
  readonly seal: (instanceId: string, keyId: string, versionId: string, material: Buffer) => Buffer
  /** A copy for the caller, who zeroes it. Throws KeyDamaged, or InvalidKeyState when it has been destroyed. */
  readonly reveal: (entry: KeyEntry, version: KeyVersion) => Buffer
  readonly equals: (entry: KeyEntry, version: KeyVersion, candidate: Buffer) => boolean
  /** SEV1 kind 3 bound to instance, key, version and the ordered AAD. Throws as `reveal`. */
  readonly wrap: (entry: KeyEntry, version: KeyVersion, plaintext: Uint8Array, aad: readonly string[]) => Buffer
  /** Any version of this key. Throws InvalidCiphertext, one answer for every way of being wrong. */
  readonly unwrap: (
    entry: KeyEntry,
    ciphertext: Buffer,
    aad: readonly string[],
  ) => { readonly plaintext: Buffer; readonly version: KeyVersion }
  /** Zeroes what is in memory of this key; the sealed bytes stay. */
  readonly forget: (entry: KeyEntry) => void
  readonly close: () => void
}

/** 32 random bytes in memory of their own. */
export const newMaterial = (): Buffer => randomFillSync(Buffer.alloc(ROOT_KEY_BYTES))

/** `sealingKey`: 32 bytes; the caller keeps it as long as this lives. */
export function createMaterials(sealingKey: Buffer): Materials {
  const wrappingKeys = new Map<KeyEntry, Map<string, Buffer>>()

  const reveal = (entry: KeyEntry, version: KeyVersion): Buffer => {
    if (version.sealed === undefined) throw kmsError('InvalidKeyState', 'the material of the key has been destroyed')
    try {
      return openSmall(sealing(sealingKey, entry.instanceId, entry.id), version.sealed)
    } catch (cause) {
      throw kmsError('KeyDamaged', 'the material of a key does not open under the sealing key', {}, cause)
    }
  }

  const wrappingKey = (entry: KeyEntry, version: KeyVersion): Buffer => {
    const known = wrappingKeys.get(entry)?.get(version.id)
    if (known) return known
    const key = widened(reveal(entry, version))
    const versions = wrappingKeys.get(entry) ?? new Map<string, Buffer>()
    wrappingKeys.set(entry, versions.set(version.id, key))
    return key
  }

  const forget = (entry: KeyEntry): void => {
    for (const key of wrappingKeys.get(entry)?.values() ?? []) key.fill(0)
    wrappingKeys.delete(entry)
  }

  return {
    seal: (instanceId, keyId, versionId, material) =>
      ownCopy(sealSmall({ ...sealing(sealingKey, instanceId, keyId), keyRef: uuidToBytes(versionId) }, material)),
    reveal,
    equals: (entry, version, candidate) => {
      const material = reveal(entry, version)
      const same = material.length === candidate.length && timingSafeEqual(material, candidate)
      material.fill(0)
      return same
    },
    wrap: (entry, version, plaintext, aad) =>
      sealSmall({ ...wrapping(wrappingKey(entry, version), entry, aad), keyRef: uuidToBytes(version.id) }, plaintext),
    unwrap: (entry, ciphertext, aad) => {
      try {
        const version = versionOf(entry, ciphertext)
        return { plaintext: openSmall(wrapping(wrappingKey(entry, version), entry, aad), ciphertext), version }
      } catch (error) {
        if (!hasCode(error, 'EnvelopeForged')) throw error
        throw invalidCiphertext()
      }
    },
    forget,
    close: () => {
      for (const entry of wrappingKeys.keys()) forget(entry)
    },
  }
}

const sealing = (key: Buffer, instanceId: string, keyId: string) =>
  ({ kind: SMALL_KIND.keySealing, key, context: ['kms', instanceId, keyId] }) as const

const wrapping = (key: Buffer, entry: KeyEntry, aad: readonly string[]) =>
  ({ kind: SMALL_KIND.wrap, key, context: [entry.instanceId, entry.id, ...aad] }) as const

const invalidCiphertext = () => kmsError('InvalidCiphertext', 'the ciphertext is not valid for this key and its AAD')

function versionOf(entry: KeyEntry, ciphertext: Buffer): KeyVersion {
  const id = uuidFromBytes(keyRefOf(ciphertext))
  const version = entry.versions.findLast((candidate) => candidate.id === id)
  if (!version) throw invalidCiphertext()
  return version
}

/** Imported root keys may have 16 or 24 bytes; SEV1 takes 32. A key of 32 bytes is taken as it is. */
function widened(material: Buffer): Buffer {
  if (material.length === ROOT_KEY_BYTES) return material
  const key = deriveKey(material, NO_SALT, SHORT_KEY_LABEL)
  material.fill(0)
  return key
}
