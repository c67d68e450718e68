import type { Dek } from '../envelope/dek.ts'
import { openManifest, sealManifest } from '../envelope/manifest.ts'
import { type Manifest, manifestFromJson, manifestToJson } from './content.ts'
import type { Draft } from './drafts.ts'
import type { ReadableBlobs } from './outer-layer.ts'
import type { BucketRecord, ObjectRecord } from './records.ts'

/** Larger manifests (many parts) become blobs of their own, so that rows stay small. */
const INLINE_BYTES = 16 * 1024

/** What a manifest is bound to. */
export interface ManifestEnvelope {
  readonly bucket: BucketRecord
  readonly key: string
  readonly versionId: string
  readonly blobId: Buffer
}

const identity = ({ bucket, key, versionId, blobId }: ManifestEnvelope) => ({
  bucketId: bucket.id,
  key,
  versionId,
  blobId,
})

export async function storeManifest(
  draft: Draft,
  dek: Dek,
  envelope: ManifestEnvelope,
  manifest: Manifest,
): Promise<ObjectRecord['manifest']> {
  const sealed = sealManifest(dek, identity(envelope), manifestToJson(manifest))
  if (sealed.length <= INLINE_BYTES) return { sealed }
  return { blob: (await draft.put([sealed])).id }
}

export async function loadManifest(
  blobs: ReadableBlobs,
  dek: Dek,
  envelope: ManifestEnvelope,
  stored: ObjectRecord['manifest'],
): Promise<Manifest> {
  const sealed = 'sealed' in stored ? stored.sealed : await readWhole(blobs, stored.blob)
  return manifestFromJson(openManifest(dek, identity(envelope), sealed))
}

async function readWhole(blobs: ReadableBlobs, id: string): Promise<Buffer> {
  const info = await blobs.stat(id)
  const chunks: Buffer[] = []
  for await (const chunk of blobs.get(id, { start: 0, end: info?.lengthBytes ?? 0 })) chunks.push(chunk)
  return Buffer.concat(chunks)
}
