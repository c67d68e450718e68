import { z } from 'zod'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import { KMS_SPACE, systemRow } from './keyspace.ts'
import { recordCodec } from './record.ts'

const ROW = systemRow('clock')
/** What the clock passes between two looks, hourly while a server runs, without being doubted. */
const MAX_STEP_MS = 24 * 3_600_000
/** Looks so far apart that say the same: an hourly look, with some play. */
const CONFIRMED_AFTER_MS = 30 * 60_000

const sightingSchema = z.strictObject({ seenAt: z.number(), doubtedSince: z.number().exactOptional() })
type Sighting = Readonly<z.infer<typeof sightingSchema>>
const sightings = recordCodec<Sighting>('sighting of the clock', sightingSchema)

/**
 * Whether the clock can be trusted with what cannot be undone. One that is far ahead of the last look, after a long stop
 * or because it is wrong, is not, until it goes on like that: there is time to set it right before all deleted keys are
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

function sightingAfter(last: Sighting | undefined, seenAt: number): Sighting {
  if (!last) return { seenAt }
  if (seenAt - last.seenAt > MAX_STEP_MS) return { seenAt, doubtedSince: seenAt }
  const { doubtedSince } = last
  // Set back behind the doubt: it was right, and is settled.
  const settled = doubtedSince === undefined || seenAt < doubtedSince || seenAt - doubtedSince >= CONFIRMED_AFTER_MS
  return settled ? { seenAt } : { seenAt, doubtedSince }
}
