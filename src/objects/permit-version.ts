import type { KeyUse } from '../envelope/key-provider.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Engine } from './engine.ts'
import { findVersion, type VersionTarget } from './find-version.ts'
import { isMarker, type ObjectRecord } from './records.ts'

/**
 * Asks whether a version that was opened may still be used so: the key that it is under now, which may be another one than
 * it was opened with. What was deleted or replaced meanwhile stays under the one that it was last seen under.
 */
export function permitVersion(
  engine: Engine,
  keys: BucketKeys,
  { bucket, key }: Pick<VersionTarget, 'bucket' | 'key'>,
  { versionId, blobId, wrappedDek, sealing }: ObjectRecord,
  use: KeyUse,
): () => Promise<void> {
  let seen = wrappedDek.slot
  const look = async (): Promise<number> => {
    const now = (await findVersion(engine, { bucket, key, versionId }))?.record
    if (now && !isMarker(now) && now.blobId.equals(blobId)) seen = now.wrappedDek.slot
    return seen
  }
  return async () => {
    // The key of an outer layer is under the bucket's.
    if (sealing.outerKey) await keys.permit(bucket, use)
    for (let slot = await look(); ; ) {
      try {
        return await keys.permit(bucket, use, slot)
      } catch (error) {
        const now = await look()
        if (now === slot) throw error
        slot = now
      }
    }
  }
}
