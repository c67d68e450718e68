import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { GetObjectCommandInput, GetObjectCommandOutput, S3 } from '@aws-sdk/client-s3'
import { randomId } from '../../base/ids.ts'
import { checkFile, checkOf } from './content-check.ts'
import { cutOff, isClosed } from './cut-off.ts'
import { signalled } from './listing.ts'
import { inParallel } from './workers.ts'

const PIECE_BYTES = 16 * 1024 ** 2

export interface Download {
  readonly bucket: string
  readonly key: string
  readonly versionId?: string | undefined
  readonly path: string
  /** It was named by whoever calls: what is a device or a pipe there is written to, also behind a link. */
  readonly mayPour?: boolean
  readonly atOnce?: number
  readonly onSize?: (bytes: number) => void
  readonly onBytes?: (bytes: number) => void
  readonly signal?: AbortSignal
}

export interface Downloaded {
  readonly size: number
  readonly etag: string
  readonly versionId: string | undefined
  readonly modified: Date | undefined
  /** What the whole was checked against; undefined: the server tells nothing of the whole. */
  readonly checked: string | undefined
}

/** Beside its place first, and there only when it is whole and checked: a failure leaves what was there. */
export async function download(
  s3: S3,
  { bucket, key, versionId, path, mayPour = false, atOnce = 4, onSize, onBytes, signal }: Download,
): Promise<Downloaded> {
  const wanted = { Bucket: bucket, Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }) }
  const head = await s3.headObject({ ...wanted, ChecksumMode: 'ENABLED' }, signalled(signal))
  const size = head.ContentLength ?? 0
  const etag = head.ETag ?? ''
  onSize?.(size)
  const there = mayPour ? await stat(path).catch(() => undefined) : undefined
  if (there && !there.isFile() && !there.isDirectory()) {
    await pour(contentOf(s3, { ...wanted, IfMatch: etag }, signal), path, onBytes)
    return { size, etag, versionId: head.VersionId, modified: head.LastModified, checked: undefined }
  }
  await mkdir(dirname(path), { recursive: true })
  // Of a name that nobody can know beforehand, and new: what a link of that name led to would be written.
  const beside = `${path}.coffer-${randomId()}`
  const file = await open(beside, 'wx', 0o666)
  try {
    const offsets = Array.from(
      { length: Math.max(1, Math.ceil(size / PIECE_BYTES)) },
      (_, index) => index * PIECE_BYTES,
    )
    await inParallel(offsets, atOnce, async (offset) => {
      const end = Math.min(offset + PIECE_BYTES, size) - 1
      const range = offsets.length > 1 ? { Range: `bytes=${offset}-${end}` } : {}
      let at = offset
      for await (const chunk of contentOf(s3, { ...wanted, IfMatch: etag, ...range }, signal)) {
        await file.write(chunk, 0, chunk.length, at)
        at += chunk.length
        onBytes?.(chunk.length)
      }
      if (at !== end + 1) throw cutOff(bucket)
    })
    await file.close()
    const isPlain = head.ServerSideEncryption === undefined || head.ServerSideEncryption === 'AES256'
    const check = checkOf(head, isPlain && head.SSECustomerAlgorithm === undefined)
    if (check) await checkFile(beside, check)
    await rename(beside, path)
    return { size, etag, versionId: head.VersionId, modified: head.LastModified, checked: check?.algorithm }
  } catch (error) {
    await file.close().catch(() => {})
    await rm(beside, { force: true })
    throw error
  }
}

/** Into a device, a pipe: it stays what it is, and nothing can be read back from it. */
async function pour(content: AsyncIterable<Buffer>, path: string, onBytes?: (bytes: number) => void): Promise<void> {
  await using file = await open(path, 'w')
  for await (const chunk of content) {
    await file.writeFile(chunk)
    onBytes?.(chunk.length)
  }
}

/** The content of an object, piece by piece. Throws ContentCutOff where it ends before its end. */
export async function* contentOf(s3: S3, wanted: GetObjectCommandInput, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const { Bucket: bucket = '' } = wanted
  const answer = await s3.getObject(wanted, signalled(signal)).catch(async (error: unknown) => {
    // Whoever does answer for the object, and not with its content, speaks no other protocol.
    if (isClosed(error) && (await headOf(s3, wanted, signal))) throw cutOff(bucket, error)
    throw error
  })
  let missing = answer.ContentLength ?? 0
  try {
    for await (const chunk of bytesOf(answer)) {
      missing -= chunk.length
      yield chunk
    }
  } catch (error) {
    throw isClosed(error) ? cutOff(bucket, error) : error
  }
  if (missing > 0) throw cutOff(bucket)
}

const headOf = (s3: S3, { Bucket, Key, VersionId }: GetObjectCommandInput, signal?: AbortSignal) =>
  s3
    .headObject({ Bucket, Key, ...(VersionId === undefined ? {} : { VersionId }) }, signalled(signal))
    .catch(() => undefined)

/** The content of an answer, piece by piece. */
export async function* bytesOf({ Body: body }: Pick<GetObjectCommandOutput, 'Body'>): AsyncGenerator<Buffer> {
  if (body === undefined || !(Symbol.asyncIterator in body)) return
  for await (const chunk of body) yield Buffer.from(chunk)
}
