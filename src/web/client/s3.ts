import { crc32, crc32Text } from '../uploads/crc32.ts'
import { ApiError } from './api-error.ts'
import { announceChange } from './changes.ts'
import { type Call, call, S3 } from './http.ts'
import { bucketPath, objectPath } from './s3-path.ts'
import { childrenOf, escapeXml, parseXml, textIn, textsIn } from './xml.ts'

export interface BucketEntry {
  readonly name: string
  readonly createdAt: string
}

export interface ObjectEntry {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedAt: string
  readonly etag: string
  readonly storageClass: string
}

export interface ListedPage {
  readonly objects: readonly ObjectEntry[]
  /** Common prefixes: folders, as people say. They end with the delimiter. */
  readonly prefixes: readonly string[]
  /** Undefined: there are no more. */
  readonly next: string | undefined
}

export interface VersionEntry extends ObjectEntry {
  readonly versionId: string
  readonly isLatest: boolean
  readonly isDeleteMarker: boolean
}

export interface VersionsPage {
  readonly versions: readonly VersionEntry[]
  readonly prefixes: readonly string[]
  readonly next: { readonly keyMarker: string; readonly versionIdMarker: string } | undefined
}

/** In the order of their names. */
export async function listBuckets(signal?: AbortSignal): Promise<readonly BucketEntry[]> {
  const root = await xmlOf(`${S3}/`, { signal })
  const list = childrenOf(root, 'Buckets')[0]
  return (list ? childrenOf(list, 'Bucket') : []).map((bucket) => ({
    name: textIn(bucket, 'Name'),
    createdAt: textIn(bucket, 'CreationDate'),
  }))
}

export interface ListObjectsInput {
  readonly bucket: string
  readonly prefix?: string
  /** Default: `/`. '' for all keys under the prefix. */
  readonly delimiter?: string
  readonly maxKeys?: number
  readonly continuationToken?: string | undefined
  readonly startAfter?: string
  readonly signal?: AbortSignal | undefined
}

export async function listObjects(input: ListObjectsInput): Promise<ListedPage> {
  const { bucket, prefix, delimiter = '/', maxKeys, continuationToken, startAfter, signal } = input
  const root = await xmlOf(bucketPath(bucket), {
    query: {
      'list-type': 2,
      'encoding-type': 'url',
      prefix: prefix || undefined,
      delimiter: delimiter || undefined,
      'max-keys': maxKeys,
      'continuation-token': continuationToken,
      'start-after': startAfter,
    },
    signal,
  })
  return {
    objects: childrenOf(root, 'Contents').map(objectEntry),
    prefixes: prefixesOf(root),
    next: textIn(root, 'IsTruncated') === 'true' ? textIn(root, 'NextContinuationToken') : undefined,
  }
}

export interface ListVersionsInput extends Omit<ListObjectsInput, 'continuationToken' | 'startAfter'> {
  readonly after?: VersionsPage['next']
}

export async function listVersions(input: ListVersionsInput): Promise<VersionsPage> {
  const { bucket, prefix, delimiter = '/', maxKeys, after, signal } = input
  const root = await xmlOf(bucketPath(bucket), {
    query: {
      versions: '',
      'encoding-type': 'url',
      prefix: prefix || undefined,
      delimiter: delimiter || undefined,
      'max-keys': maxKeys,
      'key-marker': after?.keyMarker,
      'version-id-marker': after?.versionIdMarker || undefined,
    },
    signal,
  })
  const isVersion = ({ localName }: Element) => localName === 'Version' || localName === 'DeleteMarker'
  return {
    versions: [...root.children].filter(isVersion).map((entry) => ({
      ...objectEntry(entry),
      versionId: textIn(entry, 'VersionId'),
      isLatest: textIn(entry, 'IsLatest') === 'true',
      isDeleteMarker: entry.localName === 'DeleteMarker',
    })),
    prefixes: prefixesOf(root),
    next:
      textIn(root, 'IsTruncated') === 'true'
        ? { keyMarker: decoded(textIn(root, 'NextKeyMarker')), versionIdMarker: textIn(root, 'NextVersionIdMarker') }
        : undefined,
  }
}

/** What HEAD says: all headers, by lower-case name. */
export async function headObject(
  bucket: string,
  key: string,
  { versionId, signal }: { readonly versionId?: string | undefined; readonly signal?: AbortSignal } = {},
): Promise<Headers> {
  const request = {
    method: 'HEAD',
    query: { versionId },
    headers: { 'x-amz-checksum-mode': 'ENABLED' },
    signal,
  } as const
  return (await call(objectPath(bucket, key), request)).headers
}

export async function headBucket(bucket: string, signal?: AbortSignal): Promise<Headers> {
  return (await call(bucketPath(bucket), { method: 'HEAD', signal })).headers
}

export interface CreateBucketInput {
  readonly bucket: string
  readonly locationConstraint?: string
  readonly objectLock?: boolean
  /** Left out: provider-managed encryption. */
  readonly rootKeyCrn?: string
  /** Of the object storage instance that it is to belong to. */
  readonly instanceCrn?: string
}

export async function createBucket(input: CreateBucketInput): Promise<void> {
  const { bucket, locationConstraint, objectLock, rootKeyCrn, instanceCrn } = input
  await call(bucketPath(bucket), {
    method: 'PUT',
    headers: {
      'ibm-service-instance-id': instanceCrn,
      'x-amz-bucket-object-lock-enabled': objectLock ? 'true' : undefined,
      'ibm-sse-kp-encryption-algorithm': rootKeyCrn === undefined ? undefined : 'AES256',
      'ibm-sse-kp-customer-root-key-crn': rootKeyCrn,
    },
    ...(locationConstraint
      ? {
          body: `<CreateBucketConfiguration xmlns="${NAMESPACE}"><LocationConstraint>${escapeXml(locationConstraint)}</LocationConstraint></CreateBucketConfiguration>`,
        }
      : {}),
  })
  announceChange('buckets', 'keys')
}

export async function deleteBucket(bucket: string): Promise<void> {
  await call(bucketPath(bucket), { method: 'DELETE' })
  announceChange('buckets', 'keys')
}

export async function copyObject(
  source: { readonly bucket: string; readonly key: string; readonly versionId?: string },
  to: { readonly bucket: string; readonly key: string },
): Promise<void> {
  const from = `/${encodeURIComponent(source.bucket)}/${encodeURIComponent(source.key)}`
  const version = source.versionId === undefined ? '' : `?versionId=${encodeURIComponent(source.versionId)}`
  await call(objectPath(to.bucket, to.key), { method: 'PUT', headers: { 'x-amz-copy-source': from + version } })
  announceChange('objects')
}

export async function deleteObject(bucket: string, key: string, versionId?: string): Promise<void> {
  await call(objectPath(bucket, key), { method: 'DELETE', query: { versionId } })
  announceChange('objects')
}

export interface DeleteFailure {
  readonly key: string
  readonly versionId: string
  readonly code: string
  readonly message: string
}

interface Deletable {
  readonly key: string
  readonly versionId?: string | undefined
}

/** At most 1,000. What was not deleted, and why; none: all were. */
export async function deleteObjects(bucket: string, objects: readonly Deletable[]): Promise<readonly DeleteFailure[]> {
  const [written, others] = [objects.filter(({ key }) => isXml(key)), objects.filter(({ key }) => !isXml(key))]
  const failures = written.length > 0 ? [...(await deleteTogether(bucket, written))] : []
  for (const one of others) failures.push(...(await deleteAlone(bucket, one)))
  announceChange('objects')
  return failures
}

/** XML 1.0 has no way to write some characters that keys may have: then one such key would keep a thousand others. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const isXml = (key: string): boolean => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(key)

async function deleteAlone(bucket: string, { key, versionId }: Deletable): Promise<readonly DeleteFailure[]> {
  try {
    await call(objectPath(bucket, key), { method: 'DELETE', query: { versionId } })
    return []
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 0) throw error
    return [{ key, versionId: versionId ?? '', code: error.code, message: error.message }]
  }
}

async function deleteTogether(bucket: string, objects: readonly Deletable[]): Promise<readonly DeleteFailure[]> {
  const items = objects.map(({ key, versionId }) => {
    const version = versionId === undefined ? '' : `<VersionId>${escapeXml(versionId)}</VersionId>`
    return `<Object><Key>${escapeXml(key)}</Key>${version}</Object>`
  })
  const body = `<Delete xmlns="${NAMESPACE}"><Quiet>true</Quiet>${items.join('')}</Delete>`
  const headers = { 'content-type': 'application/xml', 'x-amz-checksum-crc32': checksum(body) }
  const root = await xmlOf(bucketPath(bucket), { method: 'POST', query: { delete: '' }, headers, body })
  return childrenOf(root, 'Error').map((error) => ({
    key: textIn(error, 'Key'),
    versionId: textIn(error, 'VersionId'),
    code: textIn(error, 'Code'),
    message: textIn(error, 'Message'),
  }))
}

/** A document of a bucket (`versioning`, `lifecycle`, `encryption`, `cors`, `policy`, …), as text; undefined when it has none. */
export async function getBucketConfig(bucket: string, name: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    return await (await call(bucketPath(bucket), { query: { [name]: '' }, signal })).text()
  } catch (error) {
    if (error instanceof ApiError && error.status === 404 && error.code !== 'NoSuchBucket') return undefined
    throw error
  }
}

export async function putBucketConfig(
  bucket: string,
  name: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const type = body.startsWith('<') ? 'application/xml' : 'application/json'
  const sent = { 'content-type': type, 'x-amz-checksum-crc32': checksum(body), ...headers }
  await call(bucketPath(bucket), { method: 'PUT', query: { [name]: '' }, headers: sent, body })
  announceChange('buckets')
}

export async function deleteBucketConfig(bucket: string, name: string): Promise<void> {
  await call(bucketPath(bucket), { method: 'DELETE', query: { [name]: '' } })
  announceChange('buckets')
}

export type Versioning = 'Enabled' | 'Suspended' | 'Off'

export async function getVersioning(bucket: string, signal?: AbortSignal): Promise<Versioning> {
  const status = textIn(await xmlOf(bucketPath(bucket), { query: { versioning: '' }, signal }), 'Status')
  return status === 'Enabled' || status === 'Suspended' ? status : 'Off'
}

export const putVersioning = (bucket: string, status: 'Enabled' | 'Suspended'): Promise<void> =>
  putBucketConfig(
    bucket,
    'versioning',
    `<VersioningConfiguration xmlns="${NAMESPACE}"><Status>${status}</Status></VersioningConfiguration>`,
  )

export interface Tag {
  readonly key: string
  readonly value: string
}

/** Of a bucket, or of an object. None: an empty list. */
export async function getTags(bucket: string, key?: string, versionId?: string): Promise<readonly Tag[]> {
  const path = key === undefined ? bucketPath(bucket) : objectPath(bucket, key)
  try {
    const root = await xmlOf(path, { query: { tagging: '', versionId } })
    const set = childrenOf(root, 'TagSet')[0]
    return (set ? childrenOf(set, 'Tag') : []).map((tag) => ({ key: textIn(tag, 'Key'), value: textIn(tag, 'Value') }))
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NoSuchTagSet') return []
    throw error
  }
}

export async function putTags(tags: readonly Tag[], bucket: string, key?: string, versionId?: string): Promise<void> {
  const path = key === undefined ? bucketPath(bucket) : objectPath(bucket, key)
  const items = tags.map((tag) => `<Tag><Key>${escapeXml(tag.key)}</Key><Value>${escapeXml(tag.value)}</Value></Tag>`)
  const body = `<Tagging xmlns="${NAMESPACE}"><TagSet>${items.join('')}</TagSet></Tagging>`
  const headers = { 'content-type': 'application/xml', 'x-amz-checksum-crc32': checksum(body) }
  await call(path, { method: 'PUT', query: { tagging: '', versionId }, headers, body })
  announceChange(key === undefined ? 'buckets' : 'objects')
}

/** The root element of an answer. */
export async function xmlOf(path: string, request: Call): Promise<Element> {
  const text = await (await call(path, request)).text()
  const root = parseXml(text === '' ? '<Empty/>' : text)
  if (!root) throw new ApiError({ code: 'Unreadable', message: 'The answer is not XML.', status: 200 })
  return root
}

export const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

function objectEntry(entry: Element): ObjectEntry {
  return {
    key: decoded(textIn(entry, 'Key')),
    sizeBytes: Number(textIn(entry, 'Size')),
    modifiedAt: textIn(entry, 'LastModified'),
    etag: textIn(entry, 'ETag').replaceAll('"', ''),
    storageClass: textIn(entry, 'StorageClass'),
  }
}

const prefixesOf = (root: Element): readonly string[] =>
  childrenOf(root, 'CommonPrefixes').flatMap((entry) => textsIn(entry, 'Prefix').map(decoded))

/** `encoding-type=url`: keys may hold what XML cannot. */
const decoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '))

/** Of a document: S3 asks for one with those that it acts upon. Without TLS a browser has no digests, so none of those. */
const checksum = (body: string): string => crc32Text(crc32(new TextEncoder().encode(body)))
