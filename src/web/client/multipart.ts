import { ApiError } from './api-error.ts'
import { announceChange } from './changes.ts'
import { call } from './http.ts'
import { NAMESPACE, xmlOf } from './s3.ts'
import { objectPath } from './s3-path.ts'
import { childrenOf, escapeXml, textIn } from './xml.ts'

export interface UploadName {
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
}

export interface PartEntry {
  readonly partNumber: number
  readonly etag: string
  readonly sizeBytes: number
  /** Base64, where it was sent with one. */
  readonly crc32?: string | undefined
}

export async function createUpload(
  bucket: string,
  key: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<UploadName> {
  const root = await xmlOf(objectPath(bucket, key), { method: 'POST', query: { uploads: '' }, headers })
  return { bucket, key, uploadId: textIn(root, 'UploadId') }
}

/** All parts that are there. */
export async function listParts({ bucket, key, uploadId }: UploadName): Promise<readonly PartEntry[]> {
  const parts: PartEntry[] = []
  let marker: string | undefined
  do {
    const root = await xmlOf(objectPath(bucket, key), { query: { uploadId, 'part-number-marker': marker } })
    for (const part of childrenOf(root, 'Part')) {
      const sizeBytes = Number(textIn(part, 'Size'))
      const crc32 = textIn(part, 'ChecksumCRC32') || undefined
      parts.push({ partNumber: Number(textIn(part, 'PartNumber')), etag: textIn(part, 'ETag'), sizeBytes, crc32 })
    }
    marker = textIn(root, 'IsTruncated') === 'true' ? textIn(root, 'NextPartNumberMarker') : undefined
  } while (marker)
  return parts
}

/** `given`: of the checksum of the whole. Throws ApiError, also when the answer, which begins before the work is done, ends with an error. */
export async function completeUpload(
  { bucket, key, uploadId }: UploadName,
  parts: readonly Pick<PartEntry, 'partNumber' | 'etag' | 'crc32'>[],
  given: Readonly<Record<string, string>> = {},
): Promise<void> {
  const items = parts.map(({ partNumber, etag, crc32 }) => {
    const checksum = crc32 === undefined ? '' : `<ChecksumCRC32>${escapeXml(crc32)}</ChecksumCRC32>`
    return `<Part><PartNumber>${partNumber}</PartNumber><ETag>${escapeXml(etag)}</ETag>${checksum}</Part>`
  })
  const body = `<CompleteMultipartUpload xmlns="${NAMESPACE}">${items.join('')}</CompleteMultipartUpload>`
  const headers = { 'content-type': 'application/xml', ...given }
  const root = await xmlOf(objectPath(bucket, key), { method: 'POST', query: { uploadId }, headers, body })
  if (root.localName === 'Error')
    throw new ApiError({ code: textIn(root, 'Code'), message: textIn(root, 'Message'), status: 200 })
  announceChange('objects')
}

export async function abortUpload({ bucket, key, uploadId }: UploadName): Promise<void> {
  await call(objectPath(bucket, key), { method: 'DELETE', query: { uploadId } })
}
