import { canonicalJson } from './canonical-json.ts'
import type { Dek } from './dek.ts'
import { forged } from './errors.ts'
import { deriveKey } from './hkdf.ts'
import { openSmall, SMALL_KIND, type SmallSealing, sealSmall } from './small-envelope.ts'

/** The version that a manifest describes. */
export interface ManifestIdentity {
  readonly bucketId: string
  readonly key: string
  readonly versionId: string
  /** 16 bytes. */
  readonly blobId: Buffer
}

const LABEL = Buffer.from('OEF1/man\0', 'latin1')
/** Lengths of metadata are content too: they are told in steps of this many bytes only. */
const PADDING_BYTES = 256
const SPACE = 0x20

/** Seals a JSON value under a key derived from the DEK. `salt` is for tests. Throws TypeError for what JSON does not have. */
export function sealManifest(dek: Dek, identity: ManifestIdentity, value: unknown, salt?: Buffer): Buffer {
  const text = canonicalJson(value)
  const length = Buffer.byteLength(text, 'utf8')
  const padded = Buffer.allocUnsafe(Math.ceil(length / PADDING_BYTES) * PADDING_BYTES)
  padded.write(text, 'utf8')
  padded.fill(SPACE, length)
  return withKey(dek, identity, (sealing) =>
    sealSmall({ ...sealing, keyRef: identity.blobId, ...(salt === undefined ? {} : { salt }) }, padded),
  )
}

/** The JSON value, whose shape the caller checks. Throws EnvelopeForged. */
export function openManifest(dek: Dek, identity: ManifestIdentity, sealed: Buffer): unknown {
  const padded = withKey(dek, identity, (sealing) => openSmall(sealing, sealed))
  try {
    return JSON.parse(padded.toString('utf8'))
  } catch {
    throw forged('a manifest is not JSON')
  }
}

function withKey<Result>(dek: Dek, identity: ManifestIdentity, use: (sealing: SmallSealing) => Result): Result {
  const { bucketId, key, versionId, blobId } = identity
  const manifestKey = deriveKey(dek.bytes, blobId, LABEL)
  try {
    const context = [bucketId, key, versionId, blobId.toString('hex')]
    return use({ kind: SMALL_KIND.manifest, key: manifestKey, context })
  } finally {
    manifestKey.fill(0)
  }
}
