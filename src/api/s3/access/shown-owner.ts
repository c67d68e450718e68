import type { Bucket } from '../../../objects/buckets.ts'
import type { PlainProperties } from '../../../objects/object-properties.ts'
import type { ObjectsService } from '../../../objects/objects.ts'
import type { Initiator } from '../../../objects/records.ts'
import { ownershipOf } from './documents.ts'

export type ShownOwner = { readonly ID: string; readonly DisplayName: string }

/** Whose S3 says an object is: its writer's, but where the bucket's owner owns all there is. */
export function shownOwner(
  objects: Pick<ObjectsService, 'document'>,
  bucket: Bucket,
): (owner: PlainProperties['owner']) => ShownOwner {
  const enforced = ownershipOf(objects, bucket) === 'BucketOwnerEnforced'
  const own = { ID: bucket.ownerId, DisplayName: bucket.ownerName }
  return (owner) => (enforced || owner === undefined ? own : { ID: owner.id, DisplayName: owner.displayName })
}

/** Of an upload that nobody in particular began, or that an earlier Coffer took, it is the bucket's owner. */
export const shownInitiator = (initiator: Initiator | undefined, { ownerId, ownerName }: Bucket): ShownOwner =>
  initiator ? { ID: initiator.id, DisplayName: initiator.displayName } : { ID: ownerId, DisplayName: ownerName }
