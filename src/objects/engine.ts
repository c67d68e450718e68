import type { Clock } from '../base/clock.ts'
import type { NonceSource } from '../base/nonces.ts'
import type { KeyProvider } from '../envelope/key-provider.ts'
import type { BlobId, BlobStore } from '../storage/blob/blob-store.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import type { Buckets } from './buckets.ts'
import type { Garbage } from './garbage.ts'

/** What every part of the object engine works with. Which key provider it is, it never learns. */
export interface Engine {
  readonly metadata: MetadataStore
  readonly blobs: BlobStore
  readonly provider: KeyProvider
  readonly nonces: NonceSource
  readonly clock: Clock
  readonly buckets: Buckets
  readonly garbage: Garbage
}

/** The row that keeps a blob from the sweep; written in the same commit as the row that names the blob. */
export interface BlobOwner {
  readonly space: number
  readonly key: Buffer
}

export const encodeOwner = (owner: BlobOwner): Buffer => Buffer.concat([Buffer.from([owner.space]), owner.key])

/** Blobs written by one request. Whatever is not `keep`t when the scope ends is removed: a failed request leaves nothing. */
export class Draft implements AsyncDisposable {
  readonly #blobs: BlobStore
  #written: BlobId[] = []

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  add(id: BlobId): BlobId {
    this.#written.push(id)
    return id
  }

  /** The commit that names the blobs succeeded. */
  keep(): void {
    this.#written = []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What can't be removed now is an orphan without a row: the sweep of this lease finds it after the next start.
    if (this.#written.length > 0) await this.#blobs.remove(this.#written)
  }
}
