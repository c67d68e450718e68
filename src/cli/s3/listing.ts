import type { ListObjectVersionsCommandOutput, S3 } from '@aws-sdk/client-s3'

export interface ListedObject {
  readonly key: string
  readonly size: number
  readonly etag: string
  readonly modified: Date | undefined
  readonly storageClass: string | undefined
  readonly checksumAlgorithm: string | undefined
}

export interface ListedVersion extends ListedObject {
  readonly versionId: string
  readonly isLatest: boolean
  readonly isDeleteMarker: boolean
}

interface Wanted {
  readonly bucket: string
  readonly prefix?: string
  /** Stops at the next `/` and tells the prefixes. */
  readonly shallow?: boolean
  readonly signal?: AbortSignal
}

export type Entry =
  | { readonly type: 'object'; readonly object: ListedObject }
  | { readonly type: 'prefix'; readonly prefix: string }

/** Current versions, in the order of their keys. */
export async function* entries(
  s3: S3,
  { bucket, prefix = '', shallow = false, signal }: Wanted,
): AsyncGenerator<Entry> {
  let token: string | undefined
  do {
    const page = await s3.listObjectsV2(
      {
        Bucket: bucket,
        Prefix: prefix,
        ContinuationToken: token,
        EncodingType: 'url',
        ...(shallow ? { Delimiter: '/' } : {}),
      },
      signalled(signal),
    )
    for (const { Prefix: name } of page.CommonPrefixes ?? [])
      if (name !== undefined) yield { type: 'prefix', prefix: decoded(name) }
    for (const one of page.Contents ?? []) {
      yield {
        type: 'object',
        object: {
          key: decoded(one.Key ?? ''),
          size: one.Size ?? 0,
          etag: one.ETag ?? '',
          modified: one.LastModified,
          storageClass: one.StorageClass,
          checksumAlgorithm: one.ChecksumAlgorithm?.[0],
        },
      }
    }
    token = page.NextContinuationToken
  } while (token !== undefined)
}

export async function* objects(s3: S3, wanted: Wanted): AsyncGenerator<ListedObject> {
  for await (const entry of entries(s3, wanted)) if (entry.type === 'object') yield entry.object
}

/** Every version and delete marker: of each key the newest first. */
export async function* versions(s3: S3, { bucket, prefix = '', signal }: Wanted): AsyncGenerator<ListedVersion> {
  let [key, version]: [string | undefined, string | undefined] = [undefined, undefined]
  for (;;) {
    const page: ListObjectVersionsCommandOutput = await s3.listObjectVersions(
      { Bucket: bucket, Prefix: prefix, KeyMarker: key, VersionIdMarker: version, EncodingType: 'url' },
      signalled(signal),
    )
    const found = [
      ...(page.Versions ?? []).map((one) => ({
        ...common(one),
        size: one.Size ?? 0,
        etag: one.ETag ?? '',
        storageClass: one.StorageClass,
        checksumAlgorithm: one.ChecksumAlgorithm?.[0],
        isDeleteMarker: false,
      })),
      ...(page.DeleteMarkers ?? []).map((one) => ({
        ...common(one),
        size: 0,
        etag: '',
        storageClass: undefined,
        checksumAlgorithm: undefined,
        isDeleteMarker: true,
      })),
    ]
    yield* found.toSorted(inOrder)
    if (page.IsTruncated !== true) return
    key = page.NextKeyMarker === undefined ? undefined : decoded(page.NextKeyMarker)
    version = page.NextVersionIdMarker
  }
}

interface AnyVersion {
  readonly Key?: string | undefined
  readonly VersionId?: string | undefined
  readonly IsLatest?: boolean | undefined
  readonly LastModified?: Date | undefined
}

const common = ({ Key, VersionId, IsLatest, LastModified }: AnyVersion) => ({
  key: decoded(Key ?? ''),
  versionId: VersionId ?? 'null',
  isLatest: IsLatest === true,
  modified: LastModified,
})

/** Versions and markers come in two lists; the times of one key bring them together again. */
function inOrder(a: ListedVersion, b: ListedVersion): number {
  if (a.key !== b.key) return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))
  if (a.isLatest !== b.isLatest) return a.isLatest ? -1 : 1
  return (b.modified?.getTime() ?? 0) - (a.modified?.getTime() ?? 0)
}

/** Names come url-encoded, as XML has no way to write all of them. */
const decoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '))

export const signalled = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { abortSignal: signal })
