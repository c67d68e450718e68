import { CodedError } from '../../base/errors.ts'
import { isNoSpace } from '../errno.ts'
import type { BlobId, BlobStoreErrorCode } from './blob-store.ts'

/** What became of a disk store: serving, failed for good, or closed. */
export interface DiskHealth {
  /** Throws BlobStoreFailed once the store has failed or is closed. */
  readonly refuseWhenDown: () => void
  /**
   * The error to throw for a failed fsync. It is final: the kernel has dropped the pages it could not write, so a second
   * try would succeed without them. Only a full disk is no reason to stop.
   */
  readonly syncFailed: (cause: unknown) => CodedError<BlobStoreErrorCode>
  readonly shut: () => void
}

export function diskHealth(onFailure: (error: Error) => void): DiskHealth {
  let down: CodedError<BlobStoreErrorCode> | undefined
  return {
    refuseWhenDown: () => {
      if (down) throw down
    },
    syncFailed: (cause) => {
      if (isNoSpace(cause)) return diskError(cause)
      const error = blobStoreFailed('the disk could not make written bytes durable; the process must restart', cause)
      if (!down) {
        down = error
        onFailure(error)
      }
      return error
    },
    shut: () => {
      down ??= blobStoreFailed('the blob store is closed')
    },
  }
}

/** The coded error for what the file system said. */
export function diskError(cause: unknown): CodedError<BlobStoreErrorCode> {
  if (cause instanceof CodedError) return cause
  return isNoSpace(cause) ? noSpace(cause) : blobStoreFailed('the file system failed', cause)
}

export const noSpace = (cause?: unknown): CodedError<BlobStoreErrorCode> =>
  new CodedError('NoSpace', 'no space is left for data', { cause })

export const blobStoreFailed = (message: string, cause?: unknown): CodedError<BlobStoreErrorCode> =>
  new CodedError('BlobStoreFailed', message, { cause })

export const blobMissing = (id: BlobId): CodedError<BlobStoreErrorCode> =>
  new CodedError('BlobMissing', 'a blob is missing', { details: { id } })

export const blobTorn = (wanted: number, got: number, id?: BlobId): CodedError<BlobStoreErrorCode> =>
  new CodedError('BlobTorn', `a blob of ${wanted} bytes has ${got}`, { details: { id, wanted, got } })
