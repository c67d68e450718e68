import { Readable } from 'node:stream'
import type {
  GetObjectCommandInput,
  GetObjectCommandOutput,
  HeadObjectCommandOutput,
  PutObjectCommandInput,
  PutObjectCommandOutput,
} from '@aws-sdk/client-s3'
import { failedAt, storeBehind } from '../another-store.ts'
import { CommandFailure } from '../failure.ts'
import { numberOf } from '../json.ts'
import { damaged } from '../s3/content-check.ts'
import { cutOff, isClosed } from '../s3/cut-off.ts'
import { bytesOf } from '../s3/download.ts'
import { type ListedVersion, signalled } from '../s3/listing.ts'
import { inParallel } from '../s3/workers.ts'
import type { Route } from './plan.ts'

/** What the content was checked against: `etag`, a checksum of the source, or its length alone. */
export type Checked = 'etag' | 'checksum' | 'size'

export interface CopyOptions {
  readonly route: Route
  readonly target: string
  readonly version: ListedVersion
  /** The destination keeps locks. */
  readonly keepsLocks: boolean
  /** ETags of the source say nothing. */
  readonly sizeOnly: boolean
  readonly onBytes: (bytes: number) => void
  /** It was kept from being deleted at the source, and will not be at the destination. */
  readonly onUnlocked: () => void
}

const ATTEMPTS = 3
/** S3's bound of what is put in one piece. */
const MOST_AT_ONCE = 5 * 1024 ** 3
const RANGE_BYTES = 64 * 1024 ** 2
const PARTS_AT_ONCE = 3

/**
 * One version with its metadata, tags and locks. What was stored in parts is stored in the same parts, so that its ETag
 * stays; each byte passes through once and is hashed on its way.
 */
export async function copyVersion(options: CopyOptions): Promise<Checked> {
  const { route, version } = options
  const from = {
    Bucket: route.from.bucket,
    Key: version.key,
    ...(version.versionId === '' ? {} : { VersionId: version.versionId }),
  }
  const head = await route.source.headObject({ ...from, ChecksumMode: 'ENABLED' }, signalled(route.signal))
  if (!options.keepsLocks && isLocked(head)) options.onUnlocked()
  const settings = { ...settingsOf(head, options.keepsLocks), ...(await tagsOf(route, from, head)) }
  const parts = await partsOf(route, from, head)
  return parts === undefined ? inOnePiece(options, from, head, settings) : inParts(options, head, settings, parts)
}

const isLocked = ({ ObjectLockLegalHoldStatus: hold, ObjectLockRetainUntilDate: until }: HeadObjectCommandOutput) =>
  hold === 'ON' || (until !== undefined && until.getTime() > Date.now())

type From = Pick<GetObjectCommandInput, 'Bucket' | 'Key' | 'VersionId'>
type Settings = Omit<PutObjectCommandInput, 'Bucket' | 'Key' | 'Body'>

function settingsOf(head: HeadObjectCommandOutput, keepsLocks: boolean): Settings {
  const expires = head.ExpiresString === undefined ? undefined : new Date(head.ExpiresString)
  return {
    ...(head.ContentType === undefined ? {} : { ContentType: head.ContentType }),
    ...(head.CacheControl === undefined ? {} : { CacheControl: head.CacheControl }),
    ...(head.ContentDisposition === undefined ? {} : { ContentDisposition: head.ContentDisposition }),
    ...(head.ContentEncoding === undefined ? {} : { ContentEncoding: head.ContentEncoding }),
    ...(head.ContentLanguage === undefined ? {} : { ContentLanguage: head.ContentLanguage }),
    ...(expires === undefined || Number.isNaN(expires.getTime()) ? {} : { Expires: expires }),
    ...(head.WebsiteRedirectLocation === undefined ? {} : { WebsiteRedirectLocation: head.WebsiteRedirectLocation }),
    ...(head.Metadata && Object.keys(head.Metadata).length > 0 ? { Metadata: head.Metadata } : {}),
    ...(keepsLocks && head.ObjectLockMode !== undefined && head.ObjectLockRetainUntilDate !== undefined
      ? { ObjectLockMode: head.ObjectLockMode, ObjectLockRetainUntilDate: head.ObjectLockRetainUntilDate }
      : {}),
    ...(keepsLocks && head.ObjectLockLegalHoldStatus !== undefined
      ? { ObjectLockLegalHoldStatus: head.ObjectLockLegalHoldStatus }
      : {}),
  }
}

async function tagsOf({ source }: Route, from: From, { TagCount: count }: HeadObjectCommandOutput): Promise<Settings> {
  // Not every store counts them in a HEAD.
  if (count === 0) return {}
  const { TagSet: tags = [] } = await source.getObjectTagging({
    Bucket: from.Bucket,
    Key: from.Key,
    VersionId: from.VersionId,
  })
  return tags.length === 0
    ? {}
    : { Tagging: new URLSearchParams(tags.map(({ Key = '', Value = '' }) => [Key, Value])).toString() }
}

interface Part {
  readonly number: number
  readonly input: GetObjectCommandInput
}

/** As the source has them; by ranges where it does not tell, and only if it has to be. Undefined: in one piece. */
async function partsOf(
  { source }: Route,
  from: From,
  head: HeadObjectCommandOutput,
): Promise<readonly Part[] | undefined> {
  const size = head.ContentLength ?? 0
  const count = Number(/-(\d+)"?$/.exec(head.ETag ?? '')?.[1] ?? 0)
  if (count > 0) {
    const first = await source.headObject({ ...from, PartNumber: 1 }).catch(() => undefined)
    if (first?.PartsCount === count) {
      return Array.from({ length: count }, (_, index) => ({
        number: index + 1,
        input: { ...from, PartNumber: index + 1 },
      }))
    }
  }
  if (size <= MOST_AT_ONCE) return undefined
  return Array.from({ length: Math.ceil(size / RANGE_BYTES) }, (_, index) => {
    const end = Math.min((index + 1) * RANGE_BYTES, size) - 1
    return { number: index + 1, input: { ...from, Range: `bytes=${index * RANGE_BYTES}-${end}` } }
  })
}

async function inOnePiece(
  options: CopyOptions,
  from: From,
  head: HeadObjectCommandOutput,
  settings: Settings,
): Promise<Checked> {
  const { route, target } = options
  const { md5, result } = await pumped(options, from, (body, length, signal) =>
    route.destination.putObject(
      { ...settings, Bucket: route.to.bucket, Key: target, Body: body, ContentLength: length },
      signalled(signal),
    ),
  )
  return checked(options, head, md5, result)
}

async function inParts(
  options: CopyOptions,
  head: HeadObjectCommandOutput,
  settings: Settings,
  parts: readonly Part[],
): Promise<Checked> {
  const { route, target } = options
  const to = { Bucket: route.to.bucket, Key: target }
  const { UploadId } = await route.destination.createMultipartUpload({ ...settings, ...to }, signalled(route.signal))
  try {
    const sent = new Map<
      number,
      { readonly md5: string; readonly etag: string | undefined; readonly crc: string | undefined }
    >()
    await inParallel(parts, PARTS_AT_ONCE, async ({ number, input }) => {
      const { md5, result } = await pumped(options, input, (body, length, signal) =>
        route.destination.uploadPart(
          { ...to, UploadId, PartNumber: number, Body: body, ContentLength: length },
          signalled(signal),
        ),
      )
      sent.set(number, { md5, etag: result.ETag, crc: result.ChecksumCRC32 })
    })
    const inOrder = [...sent].toSorted(([a], [b]) => a - b)
    const done = await route.destination.completeMultipartUpload({
      ...{ ...to, UploadId },
      MultipartUpload: {
        Parts: inOrder.map(([number, { etag, crc }]) => ({
          PartNumber: number,
          ETag: etag,
          ...(crc === undefined ? {} : { ChecksumCRC32: crc }),
        })),
      },
    })
    const { compositeDigest } = await import('../../base/checksums.ts')
    const digests = inOrder.map(([, { md5 }]) => Buffer.from(md5, 'hex'))
    return checked(options, head, `${compositeDigest('md5', digests).toString('hex')}-${parts.length}`, done)
  } catch (error) {
    await route.destination.abortMultipartUpload({ ...to, UploadId }).catch(() => {})
    throw error
  }
}

/**
 * The destination's ETag is the MD5 of what was sent, or nothing was sent right; where it encrypts so that its ETags are no
 * MD5, it has compared the CRC-32 that went along. Throws ContentDamaged.
 */
function checked(
  { sizeOnly }: CopyOptions,
  head: HeadObjectCommandOutput,
  md5: string,
  stored: Pick<PutObjectCommandOutput, 'ETag' | 'ServerSideEncryption'>,
): Checked {
  const [source, destination] = [unquoted(head.ETag), unquoted(stored.ETag)]
  const isOpaque = stored.ServerSideEncryption !== undefined && stored.ServerSideEncryption !== 'AES256'
  if (destination !== md5 && !isOpaque) throw damaged('md5', md5, destination)
  if (source === md5) return 'etag'
  const sums = [head.ChecksumCRC32, head.ChecksumCRC32C, head.ChecksumCRC64NVME, head.ChecksumSHA1, head.ChecksumSHA256]
  // The client has compared it while it read.
  if (sums.some((sum) => sum !== undefined && !sum.includes('-'))) return 'checksum'
  const isEncrypted = head.ServerSideEncryption !== undefined || head.SSECustomerAlgorithm !== undefined
  const isMd5 = /^[0-9a-f]{32}(-\d+)?$/.test(source) && source.includes('-') === md5.includes('-')
  if (!sizeOnly && !isEncrypted && isMd5) throw damaged('md5', source, md5)
  return 'size'
}

const unquoted = (etag: string | undefined): string => (etag ?? '').replaceAll('"', '')

/** Reads and stores at once. What fails for the network's sake is tried again from its beginning. */
async function pumped<Result>(
  { route, onBytes }: CopyOptions,
  input: GetObjectCommandInput,
  store: (body: Readable, length: number, signal: AbortSignal) => Promise<Result>,
): Promise<{ readonly md5: string; readonly result: Result }> {
  for (let attempt = 1; ; attempt++) {
    let sent = 0
    const unread = new AbortController()
    let body: Readable | undefined
    try {
      const got = await route.source.getObject({ ...input, ChecksumMode: 'ENABLED' }, signalled(route.signal))
      const { createHasher } = await import('../../base/checksums.ts')
      const md5 = createHasher('md5')
      const length = got.ContentLength ?? 0
      const each = (chunk: Buffer): void => {
        md5.update(chunk)
        sent += chunk.length
        onBytes(chunk.length)
      }
      const onUnread = (error: unknown): void => {
        failedAt(route.source, error)
        unread.abort(error)
      }
      body = Readable.from(passing(got, each, onUnread), { objectMode: false })
      const result = await store(body, length, AbortSignal.any([route.signal, unread.signal]))
      if (sent !== length)
        throw new CommandFailure({
          code: 'IncompleteBody',
          ending: 'damage',
          why: `${length - sent} bytes of it did not come`,
        })
      return { md5: md5.digest().toString('hex'), result }
    } catch (met) {
      const error: unknown = unread.signal.aborted ? unread.signal.reason : met
      onBytes(-sent)
      if (attempt < ATTEMPTS && !route.signal.aborted && isPassing(error)) continue
      // It has told of the object, so what closed the connection wanted no other protocol.
      throw (body === undefined || unread.signal.aborted) && isClosed(error)
        ? cutOff(route.from.bucket, error, storeBehind(route.source))
        : error
    } finally {
      body?.destroy()
    }
  }
}

/**
 * What cannot be read ends it, once `onUnread` has ended the request that sends it: a stream that fails would be piped by the
 * client into another one, whose failure nobody hears, and which takes the process with it.
 */
async function* passing(
  got: GetObjectCommandOutput,
  each: (chunk: Buffer) => void,
  onUnread: (error: unknown) => void,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of bytesOf(got)) {
      each(chunk)
      yield chunk
    }
  } catch (error) {
    onUnread(error)
  }
}

function isPassing(error: unknown): boolean {
  const status = numberOf(error, '$metadata', 'httpStatusCode')
  return status === undefined ? !(error instanceof CommandFailure) : status >= 500 || status === 429
}
