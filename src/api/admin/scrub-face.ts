import type { BucketVerification } from '../../objects/verify/bucket-verifications.ts'
import type { ScrubStatus } from '../../objects/verify/scrub.ts'
import type { VerifyCounts } from '../../objects/verify/verify-contents.ts'
import type { ScrubAnswer, VerificationAnswer } from './reply-schemas.ts'

const timeOf = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString()

const faceOfCounts = ({ closed, objects, deleteMarkers, uploads, bytes }: VerifyCounts) => ({
  ...{ objects, deleteMarkers, uploads, bytes },
  notOpenable: closed,
})

/** What is told of the scrub: times as ISO 8601. */
export function faceOfScrub({ state, pass, counts, bytesRead, findings, notKept, ...times }: ScrubStatus): ScrubAnswer {
  return {
    state,
    look: pass,
    startedAt: timeOf(times.startedAtMs),
    finishedAt: timeOf(times.finishedAtMs),
    dueAt: timeOf(times.dueAtMs),
    ...faceOfCounts(counts),
    ...{ bytesRead, findings, notKept },
  }
}

export function faceOfVerification(one: BucketVerification): VerificationAnswer {
  const { counts, startedAtMs, finishedAtMs, findings, ...rest } = one
  return {
    ...rest,
    startedAt: new Date(startedAtMs).toISOString(),
    finishedAt: timeOf(finishedAtMs),
    ...faceOfCounts(counts),
    findings: [...findings],
  }
}
