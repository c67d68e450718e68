import type { ScrubStatus } from '../../objects/verify/scrub.ts'
import type { ScrubAnswer } from './reply-schemas.ts'

/** What is told of the scrub: times as ISO 8601. */
export function faceOfScrub({ state, pass, counts, bytesRead, findings, notKept, ...times }: ScrubStatus): ScrubAnswer {
  const { closed, objects, deleteMarkers, uploads, bytes } = counts
  const at = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString())
  return {
    state,
    look: pass,
    startedAt: at(times.startedAtMs),
    finishedAt: at(times.finishedAtMs),
    dueAt: at(times.dueAtMs),
    ...{ objects, deleteMarkers, uploads, bytes, bytesRead },
    notOpenable: closed,
    findings,
    notKept,
  }
}
