import type { Bucket } from '../../objects/buckets.ts'
import { S3Error } from './error-codes.ts'
import type { OperationContext } from './operation.ts'
import type { S3Request } from './request.ts'

export interface ObjectTarget {
  readonly bucket: string
  readonly key: string
}

export function bucketTarget(request: S3Request): string {
  if (request.bucket === undefined) throw new S3Error('InvalidRequest', 'The request names no bucket.')
  return request.bucket
}

export function objectTarget(request: S3Request): ObjectTarget {
  if (request.key === undefined) throw new S3Error('InvalidRequest', 'The request names no object.')
  return { bucket: bucketTarget(request), key: request.key }
}

/** Versions exist only as `null` until a bucket has versioning. Throws InvalidArgument and NoSuchVersion. */
export function nullVersion(request: S3Request): void {
  const versionId = request.query.get('versionId')
  if (versionId !== undefined) checkNullVersion(versionId, request.key ?? '')
}

/** What a version id looks like. One that cannot be is the client's mistake, another is a version that there is not. */
const VERSION_ID = /^[A-Za-z0-9._-]{32}$/

export function checkNullVersion(versionId: string, key: string): void {
  if (versionId === 'null') return
  if (VERSION_ID.test(versionId))
    throw new S3Error('NoSuchVersion', undefined, { extra: { Key: key, VersionId: versionId } })
  const message = versionId === '' ? 'Version id cannot be the empty string' : 'Invalid version id specified'
  throw new S3Error('InvalidArgument', message, {
    extra: { ArgumentName: 'versionId', ArgumentValue: versionId },
  })
}

/** Resolves a request's bucket and key to what the engine takes. Throws NoSuchBucket. */
export function located(
  target: ObjectTarget,
  { objects }: OperationContext,
): { readonly bucket: Bucket; readonly key: string } {
  return { bucket: objects.buckets.get(target.bucket), key: target.key }
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
