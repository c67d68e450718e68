import type { Objects } from '../../objects/objects.ts'
import type { S3Operation } from './operation.ts'
import { isQueryCall } from './query/read-form.ts'
import type { S3Request } from './request.ts'

const READS = new Set(['GetObject', 'HeadObject', 'ListObjects', 'ListObjectsV2'])
const WRITES = new Set(['PutObject', 'DeleteObject', 'UploadPart'])

/**
 * May a thread serve the request that follows the one which owns the store? What clients ask for all the time, of buckets that
 * have nothing told of it: all else goes where whatever it changes is changed, and whoever tells of it is.
 */
export function isServedAnywhere(
  operation: S3Operation,
  request: S3Request,
  objects: Pick<Objects, 'buckets' | 'document' | 'configurationOf'>,
): boolean {
  const isWrite = WRITES.has(operation.name)
  if (!isWrite && !READS.has(operation.name)) return false
  // A slot may have to be made for the key that it names.
  if (isWrite && request.headers.get('x-amz-server-side-encryption')?.startsWith('aws:kms')) return false
  try {
    const bucket = objects.buckets.find(request.bucket ?? '')
    if (!bucket) return true
    if (objects.document(bucket, 'logging') !== undefined) return false
    if (!isWrite) return true
    const isTold = (['notification', 'replication'] as const).some(
      (kind) => objects.document(bucket, kind) !== undefined,
    )
    // Bytes that are about to be added are counted in one place.
    return !isTold && objects.configurationOf(bucket).hardQuotaBytes === undefined
  } catch {
    // What of it cannot be read is told of there.
    return false
  }
}

/** Neither an operation of S3, nor one of the threads that follow. */
export const isNoOperation = (request: S3Request): boolean =>
  request.website === true || request.method === 'OPTIONS' || isQueryCall(request)
