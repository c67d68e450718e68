import type { S3 } from '@aws-sdk/client-s3'
import { signalled } from './listing.ts'
import type { ObjectReference } from './references.ts'
import { inParallel } from './workers.ts'

/** What CopyObject takes in one piece, by S3's rule. */
const MOST_AT_ONCE = 5 * 1024 ** 3
const PIECE_BYTES = 512 * 1024 ** 2

export interface Copied {
  readonly etag: string
  readonly versionId: string | undefined
  readonly size: number
}

/** Within one server: no content crosses the network. Metadata and tags go along. */
export async function copyObject(
  s3: S3,
  from: ObjectReference & { readonly versionId?: string | undefined },
  to: ObjectReference,
  signal: AbortSignal,
): Promise<Copied> {
  const version = from.versionId === undefined ? '' : `?versionId=${encodeURIComponent(from.versionId)}`
  const CopySource = `${from.bucket}/${from.key.split('/').map(encodeURIComponent).join('/')}${version}`
  const head = await s3.headObject({
    ...{ Bucket: from.bucket, Key: from.key },
    ...(from.versionId === undefined ? {} : { VersionId: from.versionId }),
  })
  const size = head.ContentLength ?? 0
  const target = { Bucket: to.bucket, Key: to.key }
  if (size <= MOST_AT_ONCE) {
    const done = await s3.copyObject({ ...target, CopySource }, signalled(signal))
    return { etag: done.CopyObjectResult?.ETag ?? '', versionId: done.VersionId, size }
  }
  const { UploadId } = await s3.createMultipartUpload({
    ...target,
    ...(head.ContentType === undefined ? {} : { ContentType: head.ContentType }),
    ...(head.Metadata === undefined ? {} : { Metadata: head.Metadata }),
  })
  const count = Math.ceil(size / PIECE_BYTES)
  const parts: { PartNumber: number; ETag: string | undefined }[] = []
  await inParallel(
    Array.from({ length: count }, (_, index) => index),
    4,
    async (index) => {
      const end = Math.min((index + 1) * PIECE_BYTES, size) - 1
      const CopySourceRange = `bytes=${index * PIECE_BYTES}-${end}`
      const part = await s3.uploadPartCopy(
        { ...target, UploadId, PartNumber: index + 1, CopySource, CopySourceRange },
        signalled(signal),
      )
      parts.push({ PartNumber: index + 1, ETag: part.CopyPartResult?.ETag })
    },
  )
  const Parts = parts.toSorted((a, b) => a.PartNumber - b.PartNumber)
  const done = await s3.completeMultipartUpload({ ...target, UploadId, MultipartUpload: { Parts } })
  return { etag: done.ETag ?? '', versionId: done.VersionId, size }
}
