import { uuidBytes, uuidText } from './bytes.ts'
import { hkdf, KEY_BYTES } from './ciphers.ts'
import { damaged, forged, isDecryptError, keyMissing } from './errors.ts'
import { deriveUse } from './instance-key.ts'
import { members, optionalText, parseJson, textIn } from './json.ts'
import type { Rows } from './rows.ts'
import { openSmall } from './small-envelope.ts'

// docs/record-format.md, section 5; docs/envelope-format.md, sections 4 and 8.

const VERSION = 33

export interface WrappedKey {
  readonly rootKeyCrn: string
  readonly keyVersion: string
  readonly context: readonly string[]
  readonly ciphertext: Buffer
}

export interface RootKeys {
  /** The key that a root key wrapped. Throws KeyMissing, Forged. */
  readonly unwrap: (wrapped: WrappedKey, what: string) => Buffer
}

export interface RootKeySources {
  /** Of the data directory that has the keys. */
  readonly kms?: { readonly rows: Rows; readonly instanceKey: Uint8Array } | undefined
  /** Material that its owner keeps: 16, 24 or 32 bytes, each tried. */
  readonly materials: readonly Buffer[]
  /** What a key service elsewhere opened: base64 of the ciphertext to the key. */
  readonly unwrapped: ReadonlyMap<string, Buffer>
}

export function rootKeys({ kms, materials, unwrapped }: RootKeySources): RootKeys {
  const versions = new Map<string, readonly Version[]>()
  const versionsOf = (instanceId: string, keyId: string): readonly Version[] => {
    const id = `${instanceId}/${keyId}`
    const known = versions.get(id) ?? (kms ? readVersions(kms, instanceId, keyId) : [])
    versions.set(id, known)
    return known
  }
  return {
    unwrap: (wrapped, what) => {
      const { rootKeyCrn, keyVersion, context, ciphertext } = wrapped
      const opened = unwrapped.get(ciphertext.toString('base64'))
      if (opened) return ofKeyLength(opened, what)
      const { instanceId, keyId } = idsIn(rootKeyCrn)
      const opening = {
        kind: 3,
        context: [instanceId, keyId, ...context],
        reference: uuidBytes(keyVersion) ?? Buffer.alloc(0),
      }
      const version = versionsOf(instanceId, keyId).find(({ id }) => id === keyVersion)
      if (version?.material)
        return ofKeyLength(openSmall({ ...opening, key: widened(version.material) }, ciphertext, what), what)
      for (const material of materials) {
        const key = attempt(() => openSmall({ ...opening, key: widened(material) }, ciphertext, what))
        if (key) return ofKeyLength(key, what)
      }
      const why = version ? 'whose material was destroyed' : 'which is not in this data directory'
      throw keyMissing(`${what} is under version ${keyVersion} of ${rootKeyCrn}, ${why}`)
    },
  }
}

function ofKeyLength(key: Buffer, what: string): Buffer {
  if (key.length !== KEY_BYTES) throw forged(`${what} has ${key.length} bytes`)
  return key
}

function attempt(open: () => Buffer): Buffer | undefined {
  try {
    return open()
  } catch (error) {
    if (isDecryptError(error, 'Forged')) return undefined
    throw error
  }
}

/** What an imported root key of 16 or 24 bytes wraps with. */
const widened = (material: Buffer): Buffer =>
  material.length === KEY_BYTES ? material : hkdf(material, Buffer.alloc(0), 'SEV1/root\0')

interface Version {
  readonly id: string
  /** Undefined: destroyed. */
  readonly material: Buffer | undefined
}

function readVersions(
  { rows, instanceKey }: NonNullable<RootKeySources['kms']>,
  instanceId: string,
  keyId: string,
): Version[] {
  const [instance, key] = [uuidBytes(instanceId), uuidBytes(keyId)]
  if (!instance || !key) return []
  const sealing = { kind: 4, key: deriveUse(instanceKey, 'kms'), context: ['kms', instanceId, keyId] }
  return [...rows.startingWith(VERSION, Buffer.concat([instance, key]))].map(({ open }) => {
    const what = `a version of root key ${keyId}`
    const row = members(parseJson(open(), what), what)
    const id = textIn(row, 'id', what)
    const sealed = optionalText(row, 'sealed')
    if (sealed === undefined) return { id, material: undefined }
    const reference = uuidBytes(id) ?? Buffer.alloc(0)
    return { id, material: openSmall({ ...sealing, reference }, Buffer.from(sealed, 'base64'), `version ${id}`) }
  })
}

/** `crn:v1:bluemix:public:kms:<region>:a/<account>:<instance id>:key:<key id>`. */
export function idsIn(rootKeyCrn: string): { readonly instanceId: string; readonly keyId: string } {
  const segments = rootKeyCrn.split(':')
  const [instanceId, keyId] = [segments[7], segments[9]]
  if (!instanceId || !keyId) throw damaged(`${rootKeyCrn} is no CRN of a key`)
  return { instanceId, keyId }
}

export interface BucketKey {
  readonly id: string
  readonly key: Buffer
}

/** A key that a bucket key wrapped. Throws Forged. */
export function unwrapUnderBucketKey(bucketKey: BucketKey, ciphertext: Buffer, context: readonly string[]): Buffer {
  const reference = uuidBytes(bucketKey.id)
  if (!reference) throw damaged(`${bucketKey.id} is no id of a bucket key`)
  const what = `a key under bucket key ${uuidText(reference)}`
  return ofKeyLength(openSmall({ kind: 3, key: bucketKey.key, context, reference }, ciphertext, what), what)
}
