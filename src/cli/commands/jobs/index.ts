import { notFound } from '../../failure.ts'
import { member } from '../../json.ts'
import { doneText, endingOf, type Job, jobOf, jobsOf, problemsOf, watched } from '../../rewrap-jobs.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'
import { timeText, whenText } from '../../units.ts'

const BUCKET = { name: 'bucket', help: 'whose rewrap it is', kind: 'bucket' } as const

const list: CommandSpec = {
  name: 'ls',
  summary: 'Lists rewraps: the latest of each bucket.',
  examples: ['coffer jobs ls'],
  run: async (call) => {
    call.doing('list jobs')
    const { nowMs } = call.out
    call.out.rows({
      name: 'jobs',
      rows: await jobsOf(await call.server()),
      columns: [
        { head: 'BUCKET', cell: ({ bucket }) => bucket },
        { head: 'STATE', cell: ({ state }) => state },
        { head: 'LOOKED AT', cell: ({ examined }) => examined, right: true },
        { head: 'REWRAPPED', cell: ({ rewrapped }) => rewrapped, right: true },
        { head: 'BEGUN', cell: ({ startedAt }) => whenText(startedAt, nowMs) },
        { head: 'PROBLEM', cell: ({ problem }) => problem },
      ],
      id: ({ bucket }) => bucket,
      none: 'There was no rewrap that you may see.',
    })
    return 'done'
  },
}

const show: CommandSpec = {
  name: 'show',
  summary: 'Shows the rewrap of a bucket.',
  arguments: [BUCKET],
  examples: ['coffer jobs show invoices'],
  run: async (call) => {
    const bucket = call.argument('bucket')
    call.doing(`show the rewrap of ${bucket}`)
    const job = await jobFor(await call.server(), bucket)
    call.out.answer(job, () => factsOf(job, call.out), [job.state])
    return 'done'
  },
}

async function jobFor(server: Server, bucket: string): Promise<Job> {
  const found = (await jobsOf(server)).find((one) => one.bucket === bucket)
  if (!found) throw notFound('NoSuchRewrap', `${bucket} was not rewrapped`, `coffer rewrap --bucket ${bucket}`)
  return found
}

const factsOf = (job: Job, { paint, nowMs }: Parameters<CommandSpec['run']>[0]['out']): string =>
  factsText(
    [
      ['bucket', job.bucket],
      ['state', job.state],
      ['looked at', job.examined],
      ['rewrapped', job.rewrapped],
      ['begun', timeText(job.startedAt, nowMs)],
      ['ended', timeText(job.finishedAt, nowMs)],
      ['problem', job.problem],
      [
        'keys that refuse',
        job.refusals.length === 0 ? undefined : job.refusals.map((one) => JSON.stringify(one)).join(', '),
      ],
    ],
    paint,
  )

const watch: CommandSpec = {
  name: 'watch',
  summary: 'Waits until rewraps are done, and tells how far they are.',
  about:
    'Exit status 3 when one failed, was paused or was cancelled; 6 when none goes on because root keys may not be used.',
  arguments: [{ ...BUCKET, optional: true }],
  examples: ['coffer jobs watch invoices'],
  run: async (call) => {
    const named = call.maybe('bucket')
    call.doing(`watch ${named ?? 'rewraps'}`)
    const server = await call.server()
    const buckets =
      named === undefined ? (await jobsOf(server)).map(({ bucket }) => bucket) : [(await jobFor(server, named)).bucket]
    const jobs = await watched(call, server, buckets)
    for (const job of jobs)
      call.out.item(
        { ...job },
        () =>
          `${endingOf([job]) === 'done' ? '✓' : job.state === 'done' ? '▲' : '✕'} ${job.bucket}: ${[job.state, doneText(job), ...problemsOf(job)].join(', ')}`,
        job.bucket,
      )
    call.out.result({ jobs: jobs.length }, () => (jobs.length === 0 ? 'There is no rewrap.' : undefined))
    return endingOf(jobs)
  },
}

const switched = (name: 'pause' | 'resume' | 'cancel', summary: string, about?: string): CommandSpec => ({
  name,
  summary,
  ...(about === undefined ? {} : { about }),
  arguments: [BUCKET],
  examples: [`coffer jobs ${name} invoices`],
  run: async (call) => {
    const bucket = call.argument('bucket')
    call.doing(`${name} the rewrap of ${bucket}`)
    const server = await call.server()
    const answer = await server.control('POST', `/admin/v1/buckets/${encodeURIComponent(bucket)}/rewrap/${name}`)
    const job = jobOf(member(answer, 'job'))
    call.out.answer(job, () => `✓ ${bucket}: ${job.state}`, [job.state])
    return 'done'
  },
})

export const COMMANDS: readonly CommandSpec[] = [
  list,
  show,
  watch,
  switched('pause', 'Pauses the rewrap of a bucket.'),
  switched('resume', 'Goes on with a rewrap that was paused.'),
  switched(
    'cancel',
    'Ends the rewrap of a bucket before its end.',
    'What was rewrapped stays so, the rest stays under its version of the root key, and all of it can be read. It begins again with `coffer rewrap`, or when the key is rotated here. The move of a bucket to another key is not cancelled: pause it, or move the bucket back.',
  ),
]
