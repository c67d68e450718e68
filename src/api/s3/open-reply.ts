import { hasCode } from '../../base/errors.ts'
import { checkReadConditions } from '../../objects/conditions.ts'
import type { StoredChecksum } from '../../objects/content.ts'
import type { ObjectsErrorCode } from '../../objects/errors.ts'
import type { OpenObject } from '../../objects/open-object.ts'
import { replicationStatus } from '../../objects/replication/status.ts'
import { readConditions } from './condition-headers.ts'
import { type CustomerKey, customerKeyOf } from './customer-key.ts'
import { refuseOnRead } from './encryption-headers.ts'
import { S3Error } from './error-codes.ts'
import { httpDateMs } from './http-date.ts'
import { expirationHeader } from './lifecycle/headers.ts'
import { lockHeaders } from './lock/headers.ts'
import { checksumHeader, objectHeaders, responseOverrides } from './object-headers.ts'
import type { OperationContext, S3Reply } from './operation.ts'
import { type ByteRange, resolveRange } from './range.ts'
import { asSealed } from './replication/replica-headers.ts'
import type { S3Request } from './request.ts'
import { integer, located, type ObjectTarget, objectTarget, unquoted } from './target.ts'
import { versionHeader } from './version-headers.ts'

export interface ReadInput {
  readonly target: ObjectTarget
  readonly customerKey: CustomerKey | undefined
  readonly partNumber: number | undefined
  readonly wantsChecksum: boolean
  readonly asSealed: boolean
}

/** What GetObject and HeadObject share: everything but the bytes. */
export function parseRead(request: S3Request): ReadInput {
  const part = request.query.get('partNumber')
  if (part !== undefined && request.headers.has('range')) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter')
  }
  refuseOnRead(request)
  return {
    target: objectTarget(request),
    customerKey: customerKeyOf(request),
    partNumber: part === undefined ? undefined : integer('partNumber', part, 1, 10_000),
    asSealed: asSealed(request),
    wantsChecksum: request.headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED',
  }
}

export interface ReadPlan {
  readonly reply: S3Reply
  readonly range: ByteRange
}

/** Conditions first, then the range: S3 answers 304 and 412 before 416. */
export async function planRead(object: OpenObject, input: ReadInput, context: OperationContext): Promise<ReadPlan> {
  const { request } = context
  const { manifest } = object
  const described = { ...objectHeaders(object, input.customerKey), ...responseOverrides(request) }
  checkConditions(request, object, described)
  const part = input.partNumber === undefined ? undefined : partRange(object, input.partNumber)
  const range = part?.range ?? resolveRange(rangeHeader(request, object), manifest.sizeBytes)
  const { start, end } = range ?? { start: 0, end: manifest.sizeBytes }
  const whole = start === 0 && end === manifest.sizeBytes
  return {
    range: { start, end },
    reply: {
      status: range ? 206 : 200,
      headers: {
        ...described,
        ...(input.wantsChecksum && whole ? checksumHeader(manifest.checksum) : {}),
        ...(part ? part.headers : {}),
        ...(input.wantsChecksum && part?.checksum ? checksumHeader(part.checksum) : {}),
        ...(range && end > start ? { 'content-range': `bytes ${start}-${end - 1}/${manifest.sizeBytes}` } : {}),
        ...(await taggingCount(object, input.target, context)),
        ...(await expiration(object, input.target, context)),
        ...(await lockHeaders(object.properties.lock, input.target, context)),
        ...replicationHeader(object),
        ...versionHeader(context.objects.buckets.get(input.target.bucket), object.versionId),
        'content-length': end - start,
      },
    },
  }
}

const replicationHeader = ({ properties }: OpenObject): NonNullable<S3Reply['headers']> => ({
  'x-amz-replication-status': replicationStatus(properties.replication),
})

/** S3: told to those who may read the tags. */
async function taggingCount(
  object: OpenObject,
  target: ObjectTarget,
  { may }: OperationContext,
): Promise<NonNullable<S3Reply['headers']>> {
  const { length } = await object.tags()
  return length > 0 && (await may({ ...target, action: 's3:GetObjectTagging' }))
    ? { 'x-amz-tagging-count': length }
    : {}
}

/** S3: of the current version, which was asked for by no id. */
async function expiration(
  { manifest, modifiedAtMs, tags }: OpenObject,
  target: ObjectTarget,
  context: OperationContext,
): Promise<NonNullable<S3Reply['headers']>> {
  if (context.request.query.has('versionId')) return {}
  const { bucket, key } = located(target, context)
  return expirationHeader(context.objects, bucket, { key, sizeBytes: manifest.sizeBytes, modifiedAtMs, tags })
}

/** RFC 9110, 15.4.5: a 304 has these headers if the 200 would have had them. */
const OF_NOT_MODIFIED = ['cache-control', 'etag', 'expires', 'last-modified'] as const

function checkConditions(
  request: S3Request,
  { manifest, modifiedAtMs }: OpenObject,
  described: Readonly<Record<string, string | number | undefined>>,
): void {
  try {
    checkReadConditions(readConditions(request), { etag: manifest.etag, modifiedAtMs })
  } catch (cause) {
    if (!hasCode<ObjectsErrorCode>(cause, 'NotModified')) throw cause
    const headers: Record<string, string> = {}
    for (const name of OF_NOT_MODIFIED) if (described[name] !== undefined) headers[name] = String(described[name])
    throw new S3Error('NotModified', undefined, { cause, headers })
  }
}

/** RFC 9110: a range counts only while If-Range still names the representation. */
function rangeHeader({ headers }: S3Request, { manifest, modifiedAtMs }: OpenObject): string | undefined {
  const ifRange = headers.get('if-range')
  if (ifRange === undefined) return headers.get('range')
  const dateMs = httpDateMs(ifRange)
  const same =
    dateMs === undefined ? unquoted(ifRange) === manifest.etag : Math.floor(modifiedAtMs / 1000) * 1000 === dateMs
  return same ? headers.get('range') : undefined
}

interface ObjectPart {
  readonly range: ByteRange
  readonly headers: Readonly<Record<string, number>>
  /** Of these bytes alone. */
  readonly checksum: StoredChecksum | undefined
}

function partRange({ manifest }: OpenObject, partNumber: number): ObjectPart {
  const plain = manifest.parts.length === 1 && manifest.parts[0]?.number === 0
  // S3 counts parts as they stand in the object, whatever numbers they were uploaded under.
  const index = partNumber - 1
  const part = manifest.parts[index]
  if (!part) {
    throw new S3Error('InvalidPartNumber', undefined, {
      extra: { PartNumberRequested: String(partNumber), ActualPartCount: String(manifest.parts.length) },
    })
  }
  const start = manifest.parts.slice(0, index).reduce((sum, before) => sum + before.sizeBytes, 0)
  return {
    range: { start, end: start + part.sizeBytes },
    headers: plain ? {} : { 'x-amz-mp-parts-count': manifest.parts.length },
    checksum: manifest.checksum && part.checksum ? { ...manifest.checksum, value: part.checksum } : undefined,
  }
}
