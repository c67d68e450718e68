import type { BlobId, BlobStore } from '../storage/blob/blob-store.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import { blobKey, rowsUnder, SPACE } from './keyspace.ts'

const PAGE = 500

/**
 * Removes blobs that no row names: what interrupted writes of earlier runs left behind, and what the store could not free
 * because damage hides what else is there. Bytes are written before the
 * record that names them, so an orphan is never part of an acknowledged write. The lease of this run is left alone: its
 * unfinished writes are not orphans yet. So is one without a row: a lease has its row before its first blob, so these
 * blobs belong to rows that are not here, as in a restore of which a part is missing.
 */
export async function sweep(
  metadata: MetadataStore,
  blobs: BlobStore,
  signal: AbortSignal,
  /** Leases of other threads of this run. */
  isRunning: (lease: string) => boolean = () => false,
): Promise<{ readonly removed: number }> {
  let removed = 0
  for (const lease of await blobs.leases()) {
    if (lease === blobs.lease || isRunning(lease)) continue
    removed += await sweepLease(metadata, blobs, lease, signal)
  }
  return { removed }
}

async function sweepLease(
  metadata: MetadataStore,
  blobs: BlobStore,
  lease: string,
  signal: AbortSignal,
): Promise<number> {
  const row = await metadata.get(SPACE.lease, Buffer.from(lease, 'latin1'))
  if (!row) return 0
  await blobs.removeUnnamed(lease, async (idPrefix) => {
    if (signal.aborted) return true
    const rows = await metadata.range(SPACE.blob, { ...rowsUnder(blobKey(idPrefix)), limit: 1 })
    return rows.length > 0
  })
  // A sealed lease was swept, or closed with nothing unfinished.
  if (row.value.toString('latin1') !== 'open') return 0
  let removed = 0
  let failed = 0
  let after: BlobId | undefined
  for (;;) {
    if (signal.aborted) return removed
    const page = await blobs.list(lease, after, PAGE)
    const rows = await metadata.getMany(
      SPACE.blob,
      page.map((blob) => blobKey(blob.id)),
    )
    const orphans = page.filter((_, index) => !rows[index]).map((blob) => blob.id)
    if (orphans.length > 0) {
      const kept = await blobs.remove(orphans)
      failed += kept.length
      removed += orphans.length - kept.length
    }
    const last = page.at(-1)
    if (page.length < PAGE || !last) break
    after = last.id
  }
  // What could not be removed is tried again after the next start.
  if (failed === 0) await sealLease(metadata, lease)
  return removed
}

export const openLease = (metadata: MetadataStore, lease: string): Promise<boolean> =>
  writeLease(metadata, lease, 'open')

/** Nothing of this lease is unfinished any more. */
export const sealLease = (metadata: MetadataStore, lease: string): Promise<boolean> =>
  writeLease(metadata, lease, 'sealed')

function writeLease(metadata: MetadataStore, lease: string, state: 'open' | 'sealed'): Promise<boolean> {
  return metadata.commit([
    { type: 'put', space: SPACE.lease, key: Buffer.from(lease, 'latin1'), value: Buffer.from(state, 'latin1') },
  ])
}
