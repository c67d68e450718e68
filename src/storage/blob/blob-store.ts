/**
 * THE contract of the blob stores: immutable ciphertext, create-only. A store never sees a user's name or key.
 * A blob id is made by the store and says all that is needed to find the bytes: a file of its own, or a range of a pack
 * file that holds many small blobs. `<lease>/…`: a lease is one run of one process; it scopes orphans for the sweep.
 */
export type BlobId = string

export interface BlobInfo {
  readonly id: BlobId
  readonly lengthBytes: number
}

export interface BlobStore {
  /** The lease that this process writes under: 16 hex digits, never used before. */
  readonly lease: string
  /**
   * Resolves only when the bytes AND the name survive power loss. A body that throws, ends early or is aborted leaves
   * nothing that a later sweep would not remove, and its own error is rethrown. `lengthBytes`, when given, is exact:
   * anything else throws BlobTorn. Throws NoSpace when the disk's reserve is reached; reads go on.
   * The body's chunks belong to the store until the promise settles: their bytes must not change. It may spend those that
   * were handed over.
   */
  readonly put: (body: AsyncIterable<Uint8Array> | readonly Uint8Array[], lengthBytes?: number) => Promise<BlobInfo>
  /**
   * Half-open range of the stored bytes. Throws BlobMissing. Short data throws BlobTorn, never a short read.
   * Chunks have any size; `chunkBytes` asks for chunks of exactly that size (but for the last one) so that the reader need not recut.
   * Leaving the loop early closes the file. `reuse` says that the reader is done with a chunk when it asks for the next one or leaves:
   * the store may then read into the same memory again, at half the cost for large blobs.
   */
  readonly get: (
    id: BlobId,
    range: { readonly start: number; readonly end: number; readonly chunkBytes?: number; readonly reuse?: boolean },
  ) => AsyncIterable<Buffer>
  readonly stat: (id: BlobId) => Promise<BlobInfo | undefined>
  /** Idempotent; a missing blob is success. Durable when resolved. Resolves to the ids that could not be removed. */
  readonly remove: (ids: readonly BlobId[]) => Promise<BlobId[]>
  /** Another thread has removed these: nothing is kept open of them. Absent where nothing is. */
  readonly letGo?: (ids: readonly BlobId[]) => void
  /** For the sweep: every lease that has anything stored. */
  readonly leases: () => Promise<string[]>
  /** For the sweep: blobs of a lease in ascending byte order of id, strictly after `after`. Torn tails are left out (and are free to be cut). */
  readonly list: (lease: string, after: BlobId | undefined, limit: number) => Promise<BlobInfo[]>
  /**
   * For the sweep: frees what an earlier lease keeps of many blobs as one, with all that is in it, be it damaged or not, where
   * `isNamed` says that no record names a blob whose id starts with the prefix that it is given. What was named by none never
   * is again: it may be asked about any lease but the store's own (RangeError). What cannot be freed now is left.
   */
  readonly removeUnnamed: (lease: string, isNamed: (idPrefix: string) => Promise<boolean>) => Promise<void>
  /** Waits for running writes, then refuses all. */
  readonly close: () => Promise<void>
}

export type BlobStoreErrorCode = 'BlobMissing' | 'BlobTorn' | 'NoSpace' | 'BlobStoreFailed'
