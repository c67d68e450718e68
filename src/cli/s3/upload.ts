import { open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { PutObjectCommandInput, S3 } from '@aws-sdk/client-s3'
import { damaged } from './content-check.ts'
import { signalled } from './listing.ts'
import type { UploadNotes } from './upload-notes.ts'
import { inParallel } from './workers.ts'

const MIB = 1024 ** 2
export const LEAST_PART_BYTES = 5 * MIB
export const PART_BYTES = 8 * MIB
const MOST_PARTS = 10_000

export interface Upload {
  readonly bucket: string
  readonly key: string
  readonly size: number
  /** So many bytes from there; fewer only at the end. */
  readonly read: (offset: number, length: number) => Promise<Buffer>
  readonly settings?: Omit<PutObjectCommandInput, 'Bucket' | 'Key' | 'Body'>
  readonly partBytes?: number
  readonly atOnce?: number
  readonly onBytes?: (bytes: number) => void
  readonly signal?: AbortSignal
  /** Where there are none it begins anew each time. */
  readonly notes?: UploadNotes
}

export interface Uploaded {
  readonly etag: string
  readonly versionId: string | undefined
  readonly parts: number
  /** Bytes that an earlier run had sent. */
  readonly resumedBytes: number
}

/** In one piece, or in parts when it is larger than a part; the server checks the CRC-32 of each, and we that of the whole. */
export async function upload(s3: S3, wanted: Upload): Promise<Uploaded> {
  const partBytes = partSize(wanted)
  return wanted.size <= partBytes ? inOnePiece(s3, wanted) : inParts(s3, wanted, partBytes)
}

const partSize = ({ size, partBytes = PART_BYTES }: Upload): number =>
  Math.max(partBytes, LEAST_PART_BYTES, Math.ceil(size / MOST_PARTS / MIB) * MIB)

async function inOnePiece(s3: S3, { bucket, key, size, read, settings, onBytes, signal }: Upload): Promise<Uploaded> {
  const body = await read(0, size)
  const sum = base64Of(crc32(body))
  const done = await s3.putObject(
    { ...settings, Bucket: bucket, Key: key, Body: body, ChecksumAlgorithm: 'CRC32', ChecksumCRC32: sum },
    signalled(signal),
  )
  if (done.ChecksumCRC32 !== undefined && done.ChecksumCRC32 !== sum) throw damaged('crc32', sum, done.ChecksumCRC32)
  onBytes?.(body.length)
  return { etag: done.ETag ?? '', versionId: done.VersionId, parts: 1, resumedBytes: 0 }
}

interface SentPart {
  readonly number: number
  readonly etag: string
  readonly crc: number
  readonly bytes: number
}

async function inParts(s3: S3, wanted: Upload, partBytes: number): Promise<Uploaded> {
  const { bucket, key, size, read, settings, onBytes, signal, notes } = wanted
  const earlier = await resumable(s3, wanted, partBytes)
  const uploadId = earlier?.uploadId ?? (await begin(s3, wanted))
  await notes?.write({ uploadId, partBytes })
  const sent = new Map<number, SentPart>()
  const count = Math.ceil(size / partBytes)
  let resumedBytes = 0
  await inParallel(numbers(count), wanted.atOnce ?? 4, async (number) => {
    const offset = (number - 1) * partBytes
    const body = await read(offset, Math.min(partBytes, size - offset))
    const crc = crc32(body)
    const known = earlier?.parts.get(number)
    if (known && known.sum === base64Of(crc) && known.bytes === body.length) {
      resumedBytes += body.length
      sent.set(number, { number, etag: known.etag, crc, bytes: body.length })
    } else {
      const part = await s3.uploadPart(
        {
          ...customerKey(settings),
          ...{ Bucket: bucket, Key: key, UploadId: uploadId, PartNumber: number, Body: body },
          ...{ ChecksumAlgorithm: 'CRC32', ChecksumCRC32: base64Of(crc) },
        },
        signalled(signal),
      )
      sent.set(number, { number, etag: part.ETag ?? '', crc, bytes: body.length })
    }
    onBytes?.(body.length)
  })
  const parts = numbers(count).flatMap((number) => sent.get(number) ?? [])
  const whole = await crcOfAll(parts)
  const done = await s3.completeMultipartUpload(
    {
      ...{ Bucket: bucket, Key: key, UploadId: uploadId, ChecksumType: 'FULL_OBJECT', ChecksumCRC32: whole },
      ...(settings?.IfNoneMatch === undefined ? {} : { IfNoneMatch: settings.IfNoneMatch }),
      MultipartUpload: {
        Parts: parts.map(({ number, etag, crc }) => ({ PartNumber: number, ETag: etag, ChecksumCRC32: base64Of(crc) })),
      },
    },
    signalled(signal),
  )
  await notes?.remove()
  return { etag: done.ETag ?? '', versionId: done.VersionId, parts: count, resumedBytes }
}

async function begin(s3: S3, { bucket, key, settings, signal }: Upload): Promise<string> {
  const { IfNoneMatch: _, ContentMD5: __, ContentLength: ___, ...rest } = settings ?? {}
  const begun = await s3.createMultipartUpload(
    { ...rest, Bucket: bucket, Key: key, ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' },
    signalled(signal),
  )
  if (begun.UploadId === undefined) throw new Error('the server began an upload without an id')
  return begun.UploadId
}

interface Earlier {
  readonly uploadId: string
  readonly parts: ReadonlyMap<number, { readonly etag: string; readonly sum: string; readonly bytes: number }>
}

/** What an earlier run left at the server; each part counts only if it is what the file holds there. */
async function resumable(s3: S3, { bucket, key, notes }: Upload, partBytes: number): Promise<Earlier | undefined> {
  const note = await notes?.read()
  if (note?.partBytes !== partBytes) return undefined
  const parts = new Map<number, { readonly etag: string; readonly sum: string; readonly bytes: number }>()
  let marker: string | undefined
  try {
    do {
      const page = await s3.listParts({ Bucket: bucket, Key: key, UploadId: note.uploadId, PartNumberMarker: marker })
      for (const { PartNumber: number, ETag: etag, ChecksumCRC32: sum, Size: bytes } of page.Parts ?? []) {
        if (number !== undefined && etag !== undefined && sum !== undefined)
          parts.set(number, { etag, sum, bytes: bytes ?? 0 })
      }
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined
    } while (marker !== undefined)
  } catch {
    // It was completed, or aborted, or is not to be seen: it begins anew.
    return undefined
  }
  return { uploadId: note.uploadId, parts }
}

async function crcOfAll(parts: readonly SentPart[]): Promise<string> {
  const { combineCrcs } = await import('../../base/crc-combine.ts')
  return combineCrcs(
    'crc32',
    parts.map(({ crc, bytes }) => ({ digest: bytesOf(crc), sizeBytes: bytes })),
  ).toString('base64')
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

/** SSE-C comes with each part. */
const customerKey = (settings: Upload['settings']) => ({
  ...(settings?.SSECustomerAlgorithm === undefined ? {} : { SSECustomerAlgorithm: settings.SSECustomerAlgorithm }),
  ...(settings?.SSECustomerKey === undefined ? {} : { SSECustomerKey: settings.SSECustomerKey }),
})

function bytesOf(crc: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes
}

const base64Of = (crc: number): string => bytesOf(crc).toString('base64')

/** Reads pieces of a file; several at once. */
export async function openPieces(path: string) {
  const file = await open(path)
  const { size, mtimeMs } = await file.stat()
  return {
    size,
    mtimeMs,
    read: async (offset: number, length: number): Promise<Buffer> => {
      const buffer = Buffer.alloc(length)
      let filled = 0
      while (filled < length) {
        const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled)
        if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`)
        filled += bytesRead
      }
      return buffer
    },
    close: () => file.close(),
  }
}
