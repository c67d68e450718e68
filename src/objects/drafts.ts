import { CodedError } from '../base/errors.ts'
import type { BlobId, BlobStore, BlobStoreErrorCode } from '../storage/blob/blob-store.ts'
import type { ClassedBlobStore } from '../storage/blob/classed-store.ts'

/** Blobs written by one request. Whatever is not `keep`t when the scope ends is removed: a failed request leaves nothing. */
export interface Draft extends AsyncDisposable {
  readonly put: BlobStore['put']
  /** The commit that names these blobs succeeded; others are removed. Default: all. */
  readonly keep: (named?: readonly BlobId[]) => void
  /** Nobody knows whether it did: the blobs stay, and the sweep after the restart decides by the rows. */
  readonly leave: () => void
}

export interface Drafts {
  /** Of blobs in the store of a storage class. Default: the one that is always there. */
  readonly begin: (storageClass?: string) => Draft
  readonly underWay: () => number
  /**
   * No more drafts. True when none can have left a blob that no row names, so that nobody has to look for any: no draft
   * is under way, and every one removed or kept what it wrote.
   */
  readonly end: () => boolean
}

export function openDrafts(blobs: Pick<ClassedBlobStore, 'putIn' | 'remove'>): Drafts {
  let underWay = 0
  let orphans = false
  let ended = false

  const begin = (storageClass?: string): Draft => {
    let written: BlobId[] = []
    underWay++
    return {
      put: async (body, lengthBytes) => {
        if (ended) throw new CodedError<BlobStoreErrorCode>('BlobStoreFailed', 'the object engine is closed')
        try {
          const info = await blobs.putIn(storageClass)(body, lengthBytes)
          written.push(info.id)
          return info
        } catch (error) {
          // Bytes may be there all the same, under an id that was never told.
          orphans = true
          throw error
        }
      },
      keep: (named) => {
        written = named ? written.filter((id) => !named.includes(id)) : []
      },
      leave: () => {
        orphans = true
        written = []
      },
      [Symbol.asyncDispose]: async () => {
        // What can't be removed is found by the sweep after the next start; the request's own error is the one to tell.
        const failed = written.length > 0 ? await blobs.remove(written).catch(() => written) : []
        if (failed.length > 0) orphans = true
        underWay--
      },
    }
  }

  return {
    begin,
    underWay: () => underWay,
    end: () => {
      ended = true
      return underWay === 0 && !orphans
    },
  }
}
