import type { Bucket } from '../../objects/buckets.ts'
import { type Attributes, CONTENT_HEADERS, type StoredChecksum } from '../../objects/content.ts'
import type { Protection } from '../../objects/key-slots.ts'
import type { OpenObject } from '../../objects/open-object.ts'
import { CUSTOMER, type CustomerKey } from './customer-key.ts'
import { SSE } from './encryption-headers.ts'
import { S3Error } from './error-codes.ts'
import type { OperationContext } from './operation.ts'
import type { S3Request } from './request.ts'
import { storageClassHeader } from './storage-class.ts'
import { quoted } from './target.ts'

/** S3: keys and values of user metadata together, 2 KB. */
const MAX_METADATA_BYTES = 2048
const METADATA = 'x-amz-meta-'
const DEFAULT_CONTENT_TYPE = 'binary/octet-stream'

type Headers = Record<string, string | number | undefined>

/** The headers of an upload that are stored with the object. Values are checked now: one that Node refuses to send later would make the object unreadable. */
export function uploadAttributes(request: S3Request): Attributes {
  const headers: Partial<Record<(typeof CONTENT_HEADERS)[number], string>> = {}
  for (const name of CONTENT_HEADERS) {
    const value = request.headers.get(name)
    if (value !== undefined) headers[name] = checkedValue(name, value)
  }
  checkRedirect(headers['x-amz-website-redirect-location'])
  const encoding = withoutAwsChunked(headers['content-encoding'])
  if (encoding) headers['content-encoding'] = encoding
  else delete headers['content-encoding']
  return { headers, userMetadata: userMetadata(request.headers) }
}

function checkRedirect(location: string | undefined): void {
  if (location === undefined || /^(\/|https?:\/\/)/i.test(location)) return
  throw new S3Error('InvalidRedirectLocation')
}

/** `aws-chunked` frames the request and is no encoding of the object; the rest stays as the client wrote it. */
const withoutAwsChunked = (encoding: string | undefined): string | undefined =>
  encoding
    ?.split(',')
    .filter((name) => name.trim().toLowerCase() !== 'aws-chunked' && name.trim() !== '')
    .join(',')
    .trim()

export function userMetadata(headers: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const metadata: Record<string, string> = Object.create(null) as Record<string, string>
  let bytes = 0
  for (const [name, value] of headers) {
    if (!name.startsWith(METADATA)) continue
    const key = name.slice(METADATA.length)
    bytes += key.length + Buffer.byteLength(value, 'latin1')
    metadata[key] = checkedValue(checkedName(name), value)
  }
  if (bytes > MAX_METADATA_BYTES) {
    throw new S3Error('MetadataTooLarge', undefined, {
      extra: { Size: String(bytes), MaxSizeAllowed: String(MAX_METADATA_BYTES) },
    })
  }
  return metadata
}

/** RFC 9110: `token`. Form fields and the query of a presigned URL can name what no header can be named. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

function checkedName(name: string): string {
  if (TOKEN.test(name)) return name
  throw new S3Error('InvalidArgument', 'The name of a metadata field is not the name of a header.', {
    extra: { ArgumentName: name },
  })
}

function checkedValue(name: string, value: string): string {
  if (isSendable(value)) return value
  throw new S3Error('InvalidArgument', 'Header value cannot be represented using ISO-8859-1.', {
    extra: { ArgumentName: name },
  })
}

function isSendable(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false
  }
  return true
}

/**
 * What GET and HEAD say of an object. A header that cannot be sent must not make the object unreadable: S3 leaves out
 * such metadata and counts it.
 */
export function objectHeaders(
  { manifest, modifiedAtMs, protection, properties }: OpenObject,
  customerKey?: CustomerKey,
): Headers {
  const headers: Headers = {
    'last-modified': new Date(modifiedAtMs).toUTCString(),
    etag: quoted(manifest.etag),
    'accept-ranges': 'bytes',
    'content-type': DEFAULT_CONTENT_TYPE,
    ...encryptionHeaders(protection, customerKey),
    ...storageClassHeader(properties),
  }
  for (const [name, value] of Object.entries(manifest.headers)) if (isSendable(value)) headers[name] = value
  let missing = 0
  for (const [name, value] of Object.entries(manifest.userMetadata)) {
    const header = `${METADATA}${name}`
    if (TOKEN.test(header) && isSendable(value)) headers[header] = value
    else missing += 1
  }
  if (missing > 0) headers['x-amz-missing-meta'] = missing
  return headers
}

/** What was really done, and never what was only asked for. A customer's key is told by the MD5 that came with it. */
export function encryptionHeaders(of: Protection, customerKey?: CustomerKey): Headers {
  if (of.customerKey) {
    return { [`${CUSTOMER}algorithm`]: 'AES256', ...(customerKey ? { [`${CUSTOMER}key-MD5`]: customerKey.md5 } : {}) }
  }
  return {
    [SSE]: of.algorithm,
    ...(of.keyName === undefined ? {} : { [`${SSE}-aws-kms-key-id`]: of.keyName }),
    ...(of.bucketKey ? { [`${SSE}-bucket-key-enabled`]: 'true' } : {}),
    ...rootKeyHeaders(of),
  }
}

const KEY_PROTECT = { 'ibm-sse-kp-enabled': 'true' }

/** IBM's clients read `true` in lower case only. */
const rootKeyHeaders = ({ encryption, rootKeyCrn }: Pick<Protection, 'encryption' | 'rootKeyCrn'>): Headers =>
  encryption === 'customer-managed'
    ? { ...KEY_PROTECT, 'ibm-sse-kp-customer-root-key-crn': rootKeyCrn, 'ibm-sse-kp-crk-id': rootKeyCrn }
    : {}

/**
 * IBM's answer on HEAD bucket and ListObjects v1. Which root key it is, is told to those only who have the right
 * `bucket.list_crk_id`.
 */
export async function bucketKeyHeaders(bucket: Bucket, may: OperationContext['may']): Promise<Headers> {
  if (bucket.encryption !== 'customer-managed') return {}
  return (await may({ bucket: bucket.name, action: 's3:GetBucketRootKey' })) ? rootKeyHeaders(bucket) : KEY_PROTECT
}

export const checksumHeader = (checksum: StoredChecksum | undefined): Headers =>
  checksum ? { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value, 'x-amz-checksum-type': checksum.type } : {}

/** `response-content-type` and its like: only for signed requests, which all are, and only harmless values. */
export function responseOverrides(request: S3Request): Headers {
  const overrides: Headers = {}
  if (request.query.size === 0) return overrides
  for (const name of CONTENT_HEADERS.slice(0, 6)) {
    const value = request.query.get(`response-${name}`)
    if (value !== undefined) overrides[name] = checkedValue(`response-${name}`, value)
  }
  return overrides
}
