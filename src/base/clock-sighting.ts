/** What the clock passes between two looks, hourly while a server runs, without being doubted. */
const MAX_STEP_MS = 24 * 3_600_000
/** Looks so far apart that say the same: an hourly look, with some play. */
const CONFIRMED_AFTER_MS = 30 * 60_000

/** What the clock said, and since when it has not been believed. Milliseconds since 1970. */
export interface Sighting {
  readonly seenAt: number
  readonly doubtedSince?: number
  /** While it is doubted: what it said when it was believed last. An earlier Coffer did not keep it. */
  readonly believedAt?: number
}

/**
 * Whether the clock can be trusted with what cannot be undone. One that is far ahead of the last look, after a long stop
 * or because it is wrong, is not, until it goes on like that: there is time to set it right.
 */
export function sightingAfter(last: Sighting | undefined, seenAt: number): Sighting {
  if (!last) return { seenAt }
  const { doubtedSince } = last
  const believedAt = doubtedSince === undefined ? last.seenAt : last.believedAt
  const doubted = (since: number): Sighting => ({
    ...{ seenAt, doubtedSince: since },
    ...(believedAt === undefined ? {} : { believedAt }),
  })
  if (seenAt - last.seenAt > MAX_STEP_MS) return doubted(seenAt)
  if (doubtedSince === undefined) return { seenAt }
  if (seenAt >= doubtedSince) return seenAt - doubtedSince >= CONFIRMED_AFTER_MS ? { seenAt } : doubted(doubtedSince)
  // Set back: right again only near to what was believed, else as far off as before.
  return believedAt !== undefined && seenAt - believedAt <= MAX_STEP_MS ? { seenAt } : doubted(seenAt)
}
