import type { RewrapJob } from '../../objects/rewrap-jobs.ts'

/** What is told of a job: times as ISO 8601, nothing of how it finds its place again. */
export function faceOf({ bucket, state, startedAtMs, finishedAtMs, examined, rewrapped, problem }: RewrapJob): object {
  return {
    ...{ bucket, state, examined, rewrapped },
    startedAt: new Date(startedAtMs).toISOString(),
    ...(finishedAtMs === undefined ? {} : { finishedAt: new Date(finishedAtMs).toISOString() }),
    ...(problem === undefined ? {} : { problem }),
  }
}
