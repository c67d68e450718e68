import { ObjectsError } from '../../../objects/errors.ts'
import type { ObjectLock } from '../../../objects/object-properties.ts'
import { S3Error } from '../error-codes.ts'
import type { OperationContext } from '../operation.ts'
import { located, type ObjectTarget } from '../target.ts'
import { objectLock } from './configuration.ts'

/** Of an object version; undefined when it never had one. */
export async function knownLock(target: ObjectTarget, context: OperationContext): Promise<ObjectLock | undefined> {
  const place = located(target, context)
  if (!objectLock.of(context.objects, place.bucket)) {
    throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration')
  }
  const known = await context.objects.known(place)
  if (known) return known.lock
  throw new ObjectsError('NoSuchKey', 'The specified key does not exist.', { details: { key: target.key } })
}
