import { join } from 'node:path'
import { blobKey, SPACE } from '../../objects/keyspace.ts'
import { atBlob } from '../../objects/verify/checking.ts'
import { adviseOn, type Finding } from '../../objects/verify/finding.ts'
import type { BlobStore } from '../../storage/blob/blob-store.ts'
import { classedReader, outside } from '../../storage/blob/classed-store.ts'
import { type DiskReader, openDiskReader } from '../../storage/blob/disk-reader.ts'
import type { MetadataStore } from '../../storage/metadata/metadata-store.ts'
import type { StorageClass } from '../storage-classes.ts'

/** The blobs of a stopped server, those of its storage classes too. */
export interface StoredBlobs extends Pick<BlobStore, 'get' | 'stat'> {
  /** Undefined: STANDARD. */
  readonly stores: ReadonlyMap<string | undefined, DiskReader>
}

export function openStoredBlobs(
  dataDir: string,
  classes: readonly StorageClass[],
  scope: AsyncDisposableStack,
): StoredBlobs {
  const open = (directory: string): DiskReader => {
    const reader = openDiskReader(join(directory, 'blobs'))
    scope.defer(() => reader.close())
    return reader
  }
  const main = open(dataDir)
  const others = new Map(classes.map(({ name, directory }) => [name, open(directory)]))
  return {
    ...classedReader(main, others),
    stores: new Map<string | undefined, DiskReader>([[undefined, main], ...others]),
  }
}

/** Blobs that no row keeps. */
export interface Orphans {
  blobs: number
  bytes: number
}

/**
 * Looks for blobs that nothing names. In a lease that is open an interrupted write has left them, and the next start takes
 * them away; in one that is sealed there should be none.
 */
export async function findOrphans(
  metadata: Pick<MetadataStore, 'get'>,
  { stores }: StoredBlobs,
  signal: AbortSignal,
  onFinding: (finding: Finding) => void,
): Promise<Orphans> {
  const orphans: Orphans = { blobs: 0, bytes: 0 }
  for (const [storageClass, store] of stores) {
    for (const lease of await store.leases()) {
      const row = await metadata.get(SPACE.lease, Buffer.from(lease, 'latin1')).catch(() => undefined)
      const sealed = row?.value.toString('latin1') === 'sealed'
      for await (const { id, lengthBytes } of store.blobsOf(lease)) {
        if (signal.aborted) return orphans
        const blob = outside(id, storageClass)
        if (await hasOwner(metadata, blob)) continue
        orphans.blobs++
        orphans.bytes += lengthBytes
        if (!sealed) continue
        const damage = `${lengthBytes} bytes that no row names, in a lease that was swept`
        onFinding(adviseOn({ kind: 'blob-orphan', ...atBlob(blob), damage }))
      }
    }
  }
  return orphans
}

/** A damaged one is one, and is told of where its blob is looked at. */
const hasOwner = (metadata: Pick<MetadataStore, 'get'>, blob: string): Promise<boolean> =>
  metadata.get(SPACE.blob, blobKey(blob)).then(
    (row) => row !== undefined,
    () => true,
  )
