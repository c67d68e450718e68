import type { ObjectProperties } from '../../objects/object-properties.ts'
import { conditionNeeds } from './condition-headers.ts'
import { lockNeeds, uploadLock } from './lock/headers.ts'
import type { S3Action } from './operation.ts'
import type { S3Request } from './request.ts'
import { wantedStorageClass } from './storage-class.ts'
import { headerTags } from './tags.ts'

/** What the headers of an upload say of the object that may be changed later. */
export function uploadProperties(request: S3Request): ObjectProperties {
  const tags = headerTags(request)
  const lock = uploadLock(request)
  return { ...wantedStorageClass(request), ...(tags.length > 0 ? { tags } : {}), ...(lock ? { lock } : {}) }
}

/** The rights that the headers of an upload take beside the right to write the object. */
export const uploadNeeds = (request: Pick<S3Request, 'headers'>): readonly S3Action[] => [
  ...conditionNeeds(request),
  ...(request.headers.has('x-amz-tagging') ? (['s3:PutObjectTagging'] as const) : []),
  ...lockNeeds(request),
]
