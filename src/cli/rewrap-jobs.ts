import { setTimeout as sleep } from 'node:timers/promises'
import type { Ending } from '../base/exit-status.ts'
import type { Call } from './call.ts'
import { listOf, member, numberOf, textOf } from './json.ts'
import type { Server } from './server.ts'

export interface Job {
  readonly bucket: string
  readonly state: string
  readonly examined: number
  readonly rewrapped: number
  /** Of one that seals contents anew: how many it has. */
  readonly reencrypted: number | undefined
  /** Of the same: what could not be, for it is damaged. */
  readonly damaged: number
  readonly startedAt: string | undefined
  readonly finishedAt: string | undefined
  readonly problem: string | undefined
  readonly refusals: readonly unknown[]
}

export const jobOf = (one: unknown): Job => ({
  bucket: textOf(one, 'bucket') ?? '',
  state: textOf(one, 'state') ?? '',
  examined: numberOf(one, 'examined') ?? 0,
  rewrapped: numberOf(one, 'rewrapped') ?? 0,
  reencrypted: numberOf(member(one, 'reencrypts'), 'versions'),
  damaged: numberOf(member(one, 'reencrypts'), 'damaged') ?? 0,
  startedAt: textOf(one, 'startedAt'),
  finishedAt: textOf(one, 'finishedAt'),
  problem: textOf(one, 'problem'),
  refusals: listOf(one, 'refusals'),
})

export const jobsOf = async (server: Server): Promise<readonly Job[]> =>
  listOf(await server.control('GET', '/admin/v1/jobs'), 'jobs').map(jobOf)

export function doneText({ bucket, rewrapped, reencrypted, damaged }: Job): string {
  if (reencrypted === undefined) return `${rewrapped} rewrapped`
  return `${reencrypted} re-encrypted${damaged > 0 ? `, ${damaged} damaged and left as stored (coffer verify ${bucket})` : ''}`
}

const ASK_EVERY_MS = 500
/** What stands for longer will not go on before somebody mends it. */
const STANDS_MS = 5000

/** Of a job that stands, or ended in part: why. */
export const problemsOf = ({ problem, refusals }: Job): readonly string[] => [
  ...new Set([problem, ...refusals.map((one) => textOf(one, 'problem'))].filter((one) => one !== undefined)),
]

const isOfKey = (code: string): boolean =>
  ['RootKeyDisabled', 'RootKeyNotFound', 'KeyAccessDenied', 'KeyProviderUnavailable'].includes(code)

/** What a command ends with that waited for these. */
export function endingOf(jobs: readonly Job[]): Ending {
  if (jobs.every(({ state }) => state === 'done')) return jobs.some(({ damaged }) => damaged > 0) ? 'damage' : 'done'
  const isOfKeys = jobs.some((job) => job.state === 'running' && problemsOf(job).some(isOfKey))
  return isOfKeys ? 'keyUnavailable' : 'partly'
}

/** Until none of these is under way, or none goes on; what they are by then. */
export async function watched(call: Call, server: Server, buckets: readonly string[]): Promise<readonly Job[]> {
  const progress = call.progress()
  let goingAt = performance.now()
  for (;;) {
    const jobs = (await jobsOf(server)).filter(({ bucket }) => buckets.includes(bucket))
    const running = jobs.filter(({ state }) => state === 'running')
    const [first] = running
    if (running.some((job) => problemsOf(job).length === 0)) goingAt = performance.now()
    if (!first || performance.now() - goingAt >= STANDS_MS) {
      progress.clear()
      return jobs
    }
    progress.begin(
      [`${first.bucket}: ${first.examined} looked at`, doneText(first), ...problemsOf(first)].join(', '),
      undefined,
    )
    await sleep(ASK_EVERY_MS, undefined, { signal: call.signal })
  }
}
