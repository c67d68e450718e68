import type { RewrapJob } from '../../objects/rewrap-jobs.ts'
import type { JobAnswer } from './reply-schemas.ts'

/** What is told of a job: times as ISO 8601, nothing of how it finds its place again. */
export function faceOf(job: RewrapJob): JobAnswer {
  const { bucket, state, startedAtMs, finishedAtMs, examined, rewrapped, reencrypts, problem, refusals } = job
  return {
    ...{ bucket, state, examined, rewrapped },
    ...(reencrypts === undefined ? {} : { reencrypts }),
    startedAt: new Date(startedAtMs).toISOString(),
    ...(finishedAtMs === undefined ? {} : { finishedAt: new Date(finishedAtMs).toISOString() }),
    ...(problem === undefined ? {} : { problem }),
    ...(refusals === undefined ? {} : { refusals }),
  }
}
