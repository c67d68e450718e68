import type { ActivityTracking } from '../../objects/bucket-configuration.ts'
import { bucketCrn } from '../../objects/deregistrations.ts'
import type { Objects } from '../../objects/objects.ts'
import type { Activity } from '../common/activity.ts'
import type { S3Operation } from './operation.ts'
import type { S3Request } from './request.ts'

/** What of a request its buckets ask to be told of, as they are configured when it begins. */
export type Tracked = Pick<Activity, 'action' | 'target' | 'object'>

export function trackedUses(
  operation: S3Operation,
  request: S3Request,
  key: string | undefined,
  { buckets, configurationOf }: Pick<Objects, 'buckets' | 'configurationOf'>,
): readonly Tracked[] {
  const tracked = (name: string | undefined, object: string | undefined, kind: keyof ActivityTracking): Tracked[] => {
    const bucket = name === undefined ? undefined : buckets.find(name)
    if (!bucket || configurationOf(bucket).activityTracking?.[kind] !== true) return []
    const where = { action: `s3.${operation.name}`, target: bucketCrn(bucket) }
    return [object === undefined ? where : { ...where, object }]
  }
  if (operation.on === 'service') return []
  const source = operation.alsoUses?.(request)
  return [
    ...tracked(request.bucket, key, kindOf(operation)),
    ...(source ? tracked(source.bucket, source.key, 'readDataEvents') : []),
  ]
}

/** Of what is on a bucket, these are of its objects. */
const DATA = new Set(['ListObjects', 'ListObjectsV2', 'ListMultipartUploads', 'DeleteObjects', 'PostObject'])

function kindOf({ on, name, method }: S3Operation): 'readDataEvents' | 'writeDataEvents' | 'managementEvents' {
  if (on === 'bucket' && !DATA.has(name)) return 'managementEvents'
  return method === 'GET' || method === 'HEAD' ? 'readDataEvents' : 'writeDataEvents'
}
