import { setTimeout as sleep } from 'node:timers/promises'
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
  startedAt: textOf(one, 'startedAt'),
  finishedAt: textOf(one, 'finishedAt'),
  problem: textOf(one, 'problem'),
  refusals: listOf(one, 'refusals'),
})

export const jobsOf = async (server: Server): Promise<readonly Job[]> =>
  listOf(await server.control('GET', '/admin/v1/jobs'), 'jobs').map(jobOf)

export const doneText = ({ rewrapped, reencrypted }: Job): string =>
  reencrypted === undefined ? `${rewrapped} rewrapped` : `${reencrypted} re-encrypted`

const ASK_EVERY_MS = 500

/** Until none of these is under way; what they ended as. */
export async function watched(call: Call, server: Server, buckets: readonly string[]): Promise<readonly Job[]> {
  const progress = call.progress()
  for (;;) {
    const jobs = (await jobsOf(server)).filter(({ bucket }) => buckets.includes(bucket))
    const running = jobs.filter(({ state }) => state === 'running')
    const [first] = running
    if (!first) {
      progress.clear()
      return jobs
    }
    progress.begin(`${first.bucket}: ${first.examined} looked at, ${doneText(first)}`, undefined)
    await sleep(ASK_EVERY_MS, undefined, { signal: call.signal })
  }
}
