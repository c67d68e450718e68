import { z } from 'zod'
import { type Sighting, sightingAfter } from '../base/clock-sighting.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import { KMS_SPACE, systemRow } from './keyspace.ts'
import { recordCodec } from './record.ts'

const ROW = systemRow('clock')
const sightingSchema = z.strictObject({
  seenAt: z.number(),
  doubtedSince: z.number().exactOptional(),
  believedAt: z.number().exactOptional(),
})
const sightings = recordCodec<Sighting>('sighting of the clock', sightingSchema)

/**
 * Whether the clock can be trusted with destroying keys: there is time to set it right before all deleted keys are
 * destroyed at once. Call it before each such act, at least daily.
 */
export function clockWatch(store: MetadataStore, now: () => number): () => Promise<boolean> {
  return async () => {
    const row = await store.get(KMS_SPACE.system, ROW)
    const seen = sightingAfter(row && sightings.decode(row.value), now())
    await store.commit([{ type: 'put', space: KMS_SPACE.system, key: ROW, value: sightings.encode(seen) }])
    return seen.doubtedSince === undefined
  }
}
