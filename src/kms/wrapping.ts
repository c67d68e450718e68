import type { KeyEntry } from './catalog.ts'
import { type KmsContext, newestVersion, requireUsable } from './context.ts'
import { invalidField } from './errors.ts'
import { newMaterial } from './material.ts'

/** An ordered list, bound into the ciphertext and not kept: the same list must be given to unwrap. */
export type Aad = readonly string[]

export interface Wrapped {
  readonly ciphertext: Buffer
  readonly keyVersion: string
}

export interface Unwrapped {
  /** The caller zeroes it. */
  readonly plaintext: Buffer
  /** The version that opened it. */
  readonly keyVersion: string
  /** The same plaintext under the newest version, when that is another one. */
  readonly rewrapped?: Wrapped
}

export interface Rewrapped extends Wrapped {
  /** The version it was under. */
  readonly previousVersion: string
}

const MAX_AAD = 255
const MAX_PLAINTEXT_BYTES = 4096

/** Throws RootKeyRequired, InvalidKeyState, InvalidField. */
export function wrap(context: KmsContext, entry: KeyEntry, plaintext: Uint8Array, aad: Aad): Wrapped {
  requireUsable(context, entry, 'wrap')
  checkAad(aad)
  if (plaintext.length === 0 || plaintext.length > MAX_PLAINTEXT_BYTES) {
    throw invalidField('plaintext', `1 to ${MAX_PLAINTEXT_BYTES} bytes can be wrapped`)
  }
  const version = newestVersion(entry)
  return { ciphertext: context.materials.wrap(entry, version, plaintext, aad), keyVersion: version.id }
}

/** Wraps 32 fresh random bytes, which are handed back for the caller to zero. */
export function wrapNew(context: KmsContext, entry: KeyEntry, aad: Aad): Wrapped & { readonly plaintext: Buffer } {
  const plaintext = newMaterial()
  return { ...wrap(context, entry, plaintext, aad), plaintext }
}

/** Throws RootKeyRequired, InvalidKeyState, InvalidField, InvalidCiphertext. */
export function unwrap(context: KmsContext, entry: KeyEntry, ciphertext: Buffer, aad: Aad): Unwrapped {
  requireUsable(context, entry, 'unwrap')
  checkAad(aad)
  const { plaintext, version } = context.materials.unwrap(entry, ciphertext, aad)
  const newest = newestVersion(entry)
  if (version.id === newest.id) return { plaintext, keyVersion: version.id }
  const rewrapped = { ciphertext: context.materials.wrap(entry, newest, plaintext, aad), keyVersion: newest.id }
  return { plaintext, keyVersion: version.id, rewrapped }
}

/** Throws as `unwrap`. */
export function rewrap(context: KmsContext, entry: KeyEntry, ciphertext: Buffer, aad: Aad): Rewrapped {
  requireUsable(context, entry, 'rewrap')
  checkAad(aad)
  const { plaintext, version } = context.materials.unwrap(entry, ciphertext, aad)
  try {
    const newest = newestVersion(entry)
    const rewrapped = context.materials.wrap(entry, newest, plaintext, aad)
    return { ciphertext: rewrapped, keyVersion: newest.id, previousVersion: version.id }
  } finally {
    plaintext.fill(0)
  }
}

function checkAad(aad: Aad): void {
  if (aad.length > MAX_AAD || aad.some((part) => part.length > MAX_AAD)) {
    throw invalidField('aad', `at most ${MAX_AAD} strings of at most ${MAX_AAD} characters`)
  }
  // UTF-8 has no lone surrogates: different ones would become the same bytes.
  if (!aad.every((part) => part.isWellFormed())) throw invalidField('aad', 'well-formed Unicode')
}
