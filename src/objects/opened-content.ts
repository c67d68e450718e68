import { ownCopies } from '../base/bytes.ts'
import type { Dek, Kept } from '../envelope/dek.ts'
import { type PartOpener, type ProvenPart, partOpener } from '../envelope/unseal.ts'
import type { BlobId, BlobStore } from '../storage/blob/blob-store.ts'
import type { Manifest } from './content.ts'
import type { ObjectRecord } from './records.ts'
import { loadManifest, type ManifestEnvelope } from './seal-manifest.ts'

/**
 * What a DEK in the cache has opened: it is there for exactly as long as that, and is used only where the DEK was given out,
 * which is asked for each time. Saves a GET eight HMACs, the opening and the reading of its manifest, and the header of its
 * part.
 */
interface OpenedContent extends Disposable {
  readonly envelope: ManifestEnvelope
  /** The DEK may be that of a manifest that was sealed anew, or under another name. */
  readonly sealed: Buffer
  readonly manifest: Manifest
  /** Blobs never change: what is proven of one once is so. */
  readonly parts: Map<BlobId, ProvenPart>
}

const MAX_PARTS = 4
/** Of the strings and objects that a manifest and the keys of its parts become, beside the characters. */
const OVERHEAD_BYTES = 2048

const contents = new WeakMap<Kept, OpenedContent>()

/** As loadManifest. */
export async function openedManifest(
  blobs: BlobStore,
  dek: Dek,
  envelope: ManifestEnvelope,
  stored: ObjectRecord['manifest'],
): Promise<Manifest> {
  const { kept } = dek
  const sealed = 'sealed' in stored ? stored.sealed : undefined
  if (!kept || !sealed) return loadManifest(blobs, dek, envelope, stored)
  const known = contents.get(kept)
  if (known && isSame(known.envelope, envelope) && known.sealed.equals(sealed)) return known.manifest
  const manifest = await loadManifest(blobs, dek, envelope, stored)
  hold(kept, { envelope, sealed, manifest })
  return manifest
}

const isSame = (one: ManifestEnvelope, other: ManifestEnvelope): boolean =>
  one.bucket.id === other.bucket.id &&
  one.key === other.key &&
  one.versionId === other.versionId &&
  one.blobId.equals(other.blobId)

function hold(kept: Kept, content: Pick<OpenedContent, 'envelope' | 'sealed' | 'manifest'>): void {
  const parts = new Map<BlobId, ProvenPart>()
  const { envelope, manifest } = content
  const [sealed = content.sealed, blobId = envelope.blobId, ...salts] = ownCopies([
    content.sealed,
    envelope.blobId,
    ...manifest.parts.map(({ salt }) => salt),
  ])
  const opened: OpenedContent = {
    ...{ sealed, envelope: { ...envelope, blobId }, parts },
    manifest: { ...manifest, parts: manifest.parts.map((part, at) => ({ ...part, salt: salts[at] ?? part.salt })) },
    [Symbol.dispose]: () => {
      if (contents.get(kept) === opened) contents.delete(kept)
      for (const { key } of parts.values()) key.fill(0)
      parts.clear()
    },
  }
  contents.set(kept, opened)
  kept.hold(opened, 2 * content.sealed.length + OVERHEAD_BYTES)
}

/** Of a part that this DEK opened, at this place, since it came into the cache. */
export function openedPart({ kept }: Dek, blob: BlobId): PartOpener | undefined {
  const part = kept && contents.get(kept)?.parts.get(blob)
  // It may be zeroed while this one is in use.
  return part && partOpener({ ...part, key: Buffer.alloc(part.key.length, part.key) })
}

export function keepPart({ kept }: Dek, blob: BlobId, part: ProvenPart): void {
  const parts = kept && contents.get(kept)?.parts
  if (!parts || parts.size >= MAX_PARTS || parts.has(blob)) return
  const [prefix = part.prefix, context = part.context, commitment = part.commitment] = ownCopies([
    part.prefix,
    part.context,
    part.commitment,
  ])
  parts.set(blob, { ...part, prefix, context, commitment, key: Buffer.alloc(part.key.length, part.key) })
}
