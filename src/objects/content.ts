import { encodeList } from '../base/bytes.ts'
import type { ChecksumAlgorithm } from '../base/checksums.ts'
import { CodedError } from '../base/errors.ts'
import type { RecordCipher } from '../base/nonces.ts'
import type { BucketRecord } from './records.ts'

/** Headers that are stored with an object and given back with it, spelled as on the wire (lower case). */
export const CONTENT_HEADERS = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
  'x-amz-website-redirect-location',
] as const
export type ContentHeader = (typeof CONTENT_HEADERS)[number]
export type ContentHeaders = Readonly<Partial<Record<ContentHeader, string>>>

export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'

export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: ChecksumType
  /** Base64; a composite one ends with `-<parts>`. */
  readonly value: string
}

/** What a listing shows of the content; sealed under the bucket metadata key. Without quotes. */
export interface Summary {
  readonly etag: string
  readonly checksum?: StoredChecksum
}

/** What the client attached to the object; fixed when the object or the upload is created. */
export interface Attributes {
  readonly headers: ContentHeaders
  readonly userMetadata: Readonly<Record<string, string>>
}

export interface ManifestPart {
  readonly number: number
  readonly sizeBytes: number
  readonly salt: Buffer
  /** Base64 checksum of the part, when it was uploaded with one. */
  readonly checksum?: string
}

/** Everything about the content; sealed under the DEK. A plain object is one part with number 0. */
export interface Manifest extends Attributes, Summary {
  readonly sizeBytes: number
  readonly parts: readonly ManifestPart[]
}

export const manifestToJson = (manifest: Manifest): unknown => ({
  e: manifest.etag,
  s: manifest.sizeBytes,
  h: manifest.headers,
  u: manifest.userMetadata,
  ...(manifest.checksum ? { c: manifest.checksum } : {}),
  p: manifest.parts.map(({ number, sizeBytes, salt, checksum }) =>
    checksum === undefined
      ? [number, sizeBytes, salt.toString('base64')]
      : [number, sizeBytes, salt.toString('base64'), checksum],
  ),
})

/** The manifest authenticated under its DEK, so its shape is ours; only the fields' presence is trusted here. */
export function manifestFromJson(json: unknown): Manifest {
  const fields = json as {
    readonly e: string
    readonly s: number
    readonly h: ContentHeaders
    readonly u: Record<string, string>
    readonly c?: StoredChecksum
    readonly p: readonly (readonly [number, number, string, string?])[]
  }
  if (typeof json !== 'object' || json === null || !Array.isArray(fields.p)) {
    throw new CodedError('MetadataCorrupt', 'a manifest has an unknown shape')
  }
  return {
    etag: fields.e,
    sizeBytes: fields.s,
    headers: fields.h,
    userMetadata: fields.u,
    ...(fields.c ? { checksum: fields.c } : {}),
    parts: fields.p.map(([number, sizeBytes, salt, checksum]) => ({
      number,
      sizeBytes,
      salt: Buffer.from(salt, 'base64'),
      ...(checksum === undefined ? {} : { checksum }),
    })),
  }
}

/** A summary belongs to one bucket, key and envelope (and part): it opens nowhere else. */
const summaryAad = (bucket: BucketRecord, key: string, blobId: Buffer, part: number): Buffer =>
  encodeList(['OEF1/summary', bucket.id, key, blobId, String(part)])

export const sealSummary = (
  cipher: RecordCipher,
  bucket: BucketRecord,
  key: string,
  blobId: Buffer,
  part: number,
  summary: Summary,
): Buffer => cipher.seal(summaryAad(bucket, key, blobId, part), Buffer.from(JSON.stringify(summary), 'utf8'))

export function openSummary(
  cipher: RecordCipher,
  bucket: BucketRecord,
  key: string,
  blobId: Buffer,
  part: number,
  sealed: Buffer,
): Summary {
  return JSON.parse(cipher.open(summaryAad(bucket, key, blobId, part), sealed).toString('utf8')) as Summary
}
