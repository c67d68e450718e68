/** What the clock passes between two looks, hourly while a server runs, without being doubted. */
const MAX_STEP_MS = 24 * 3_600_000
/** Looks so far apart that say the same: an hourly look, with some play. */
const CONFIRMED_AFTER_MS = 30 * 60_000

/** What the clock said, and since when it has not been believed. Milliseconds since 1970. */
export interface Sighting {
  readonly seenAt: number
  readonly doubtedSince?: number
}

/**
 * Whether the clock can be trusted with what cannot be undone. One that is far ahead of the last look, after a long stop
 * or because it is wrong, is not, until it goes on like that: there is time to set it right.
 */
export function sightingAfter(last: Sighting | undefined, seenAt: number): Sighting {
  if (!last) return { seenAt }
  if (seenAt - last.seenAt > MAX_STEP_MS) return { seenAt, doubtedSince: seenAt }
  const { doubtedSince } = last
  // Set back behind the doubt: it was right, and is settled.
  const settled = doubtedSince === undefined || seenAt < doubtedSince || seenAt - doubtedSince >= CONFIRMED_AFTER_MS
  return settled ? { seenAt } : { seenAt, doubtedSince }
}
