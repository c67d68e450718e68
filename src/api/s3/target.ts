import type { Bucket } from '../../objects/buckets.ts'
import { NULL_VERSION } from '../../objects/version-id.ts'
import { S3Error } from './error-codes.ts'
import type { OperationContext } from './operation.ts'
import type { S3Request } from './request.ts'

export interface ObjectTarget {
  readonly bucket: string
  readonly key: string
  /** Undefined: the current one. */
  readonly versionId?: string
}

export function bucketTarget(request: S3Request): string {
  if (request.bucket === undefined) throw new S3Error('InvalidRequest', 'The request names no bucket.')
  return request.bucket
}

/** Throws InvalidArgument for what is no version id. */
export function objectTarget(request: S3Request): ObjectTarget {
  if (request.key === undefined) throw new S3Error('InvalidRequest', 'The request names no object.')
  const target = { bucket: bucketTarget(request), key: request.key }
  const versionId = request.query.get('versionId')
  if (versionId === undefined) return target
  checkVersionId('versionId', versionId)
  return { ...target, versionId }
}

/** What a version id looks like, here or elsewhere. One that cannot be is the client's mistake, another is a version that there is not. */
const VERSION_ID = /^([A-Za-z0-9_-]{22}|[A-Za-z0-9._-]{32})$/

export const isVersionId = (text: string): boolean => text === NULL_VERSION || VERSION_ID.test(text)

/** Throws InvalidArgument. */
export function checkVersionId(name: string, versionId: string): void {
  if (isVersionId(versionId)) return
  const message = versionId === '' ? 'Version id cannot be the empty string' : 'Invalid version id specified'
  throw new S3Error('InvalidArgument', message, { extra: { ArgumentName: name, ArgumentValue: versionId } })
}

/** Resolves a request's bucket, key and version to what the engine takes. Throws NoSuchBucket. */
export function located(
  { bucket, ...version }: ObjectTarget,
  { objects }: OperationContext,
): { readonly bucket: Bucket; readonly key: string; readonly versionId?: string } {
  return { bucket: objects.buckets.get(bucket), ...version }
}

/** An integer query parameter or header within bounds, or AWS's InvalidArgument. */
export function integer(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) {
    const message = Number.isNaN(value)
      ? `Provided ${name} not an integer or within integer range`
      : `Argument ${name} must be an integer between ${min} and ${max}`
    throw new S3Error('InvalidArgument', message, { extra: { ArgumentName: name, ArgumentValue: text } })
  }
  return value
}

export const quoted = (etag: string): string => `"${etag}"`

/** S3 takes ETags with and without quotes. */
export const unquoted = (etag: string): string => etag.trim().replace(/^"(.*)"$/s, '$1')
