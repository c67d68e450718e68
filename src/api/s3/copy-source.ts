import { hasCode } from '../../base/errors.ts'
import type { ObjectsErrorCode } from '../../objects/errors.ts'
import type { ObjectsService } from '../../objects/objects.ts'
import type { OpenObject } from '../../objects/open-object.ts'
import { CUSTOMER, CUSTOMER_OF_SOURCE } from './customer-key.ts'
import { S3Error } from './error-codes.ts'
import type { OperationContext, ResourceUse } from './operation.ts'
import type { S3Request } from './request.ts'
import { checkVersionId, type ObjectTarget } from './target.ts'
import { decodeComponent } from './uri.ts'

const HEADER = 'x-amz-copy-source'

/** `[/]bucket/key[?versionId=…]`, percent-encoded; decoded once, never normalised, like a request's own path. */
export function copySource({ headers }: S3Request): ObjectTarget {
  const value = headers.get(HEADER) ?? ''
  const [path, versionId] = split(value)
  const decoded = decodeComponent(path)
  const text = decoded.startsWith('/') ? decoded.slice(1) : decoded
  const slash = text.indexOf('/')
  if (slash < 1 || slash === text.length - 1) {
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey', {
      extra: { ArgumentName: HEADER, ArgumentValue: value },
    })
  }
  const source = { bucket: text.slice(0, slash), key: text.slice(slash + 1) }
  if (versionId === undefined) return source
  const decodedId = decodeComponent(versionId)
  checkVersionId('versionId', decodedId)
  return { ...source, versionId: decodedId }
}

const VERSION = '?versionId='

/** A `?` that belongs to the key arrives as %3F. */
function split(value: string): readonly [path: string, versionId: string | undefined] {
  const at = value.indexOf(VERSION)
  return at < 0 ? [value, undefined] : [value.slice(0, at), value.slice(at + VERSION.length)]
}

export function copySourceUse(request: S3Request): ResourceUse {
  const source = copySource(request)
  const action = source.versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
  return { ...source, ...readingSource(request), action }
}

/** What conditions see of a request that reads the source: what its headers, or its upload's, say of the new object is not about that. */
export const readingSource = ({ headers }: S3Request): Pick<ResourceUse, 'said' | 'requestTags'> => ({
  said: { [`${CUSTOMER}algorithm`]: headers.get(`${CUSTOMER_OF_SOURCE}algorithm`) },
  requestTags: [],
})

/** S3 tells by a code of its own that a delete marker holds nothing to copy. */
export async function openSource(
  source: Parameters<ObjectsService['open']>[0],
  { objects }: Pick<OperationContext, 'objects'>,
): Promise<OpenObject> {
  try {
    return await objects.open(source)
  } catch (cause) {
    if (!hasCode<ObjectsErrorCode>(cause, 'DeleteMarker')) throw cause
    throw new S3Error(
      'InvalidRequest',
      'The source of a copy request may not specifically refer to a delete marker by version id.',
      { cause },
    )
  }
}
