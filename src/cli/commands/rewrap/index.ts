import { type DarkBucket, radiusOfKey } from '../../blast-radius.ts'
import { isDryRun } from '../../confirm.ts'
import { DRY_RUN } from '../../described.ts'
import { usage } from '../../failure.ts'
import { listOf, member, textOf } from '../../json.ts'
import { findKey, type RootKey } from '../../key-protect.ts'
import { versionNamed } from '../../key-versions.ts'
import { endingOf, type Job, jobOf, problemsOf, watched } from '../../rewrap-jobs.ts'
import { readBucket } from '../../s3/references.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText } from '../../units.ts'

const rewrap: CommandSpec = {
  name: '',
  summary: 'Rewraps the data keys of a bucket, or of all buckets of a key, with the newest version of the root key.',
  about:
    'In the background; contents are neither read nor written, and ETags stay. It goes by itself after a rotation.',
  options: {
    bucket: { value: 'bucket', help: 'this bucket', many: true, kind: 'bucket' },
    key: { value: 'key', help: 'the buckets under this root key', kind: 'key' },
    from: { value: 'version', help: 'with --key: only buckets that have something under this version, v2 or its id' },
    wait: { help: 'until it is done' },
    ...DRY_RUN,
  },
  examples: [
    'coffer rewrap --bucket invoices --wait',
    'coffer rewrap --key finance-root',
    'coffer rewrap --key finance-root --from v1 --dry-run',
  ],
  see: ['coffer key rotate', 'coffer jobs watch'],
  run: async (call) => {
    call.doing('rewrap')
    const [named, key] = [call.texts('bucket').map(readBucket), call.text('key')]
    if ((named.length === 0) === (key === undefined)) throw usage('give either --bucket or --key')
    const from = call.text('from')
    if (from !== undefined && key === undefined) throw usage('--from takes --key: it is a version of that key')
    const server = await call.server()
    const buckets = key === undefined ? named : await bucketsOf(server, await findKey(server, key), from)
    const lines =
      buckets.length === 0
        ? ['No bucket has anything under it.']
        : [`Rewrapped with the newest version of their root keys: ${buckets.join(', ')}.`]
    if (isDryRun(call, { lines, document: { buckets } })) return 'done'
    const started: Job[] = []
    for (const bucket of buckets) {
      const answer = await server.control('POST', `/admin/v1/buckets/${encodeURIComponent(bucket)}/rewrap`)
      started.push(jobOf(member(answer, 'job')))
    }
    const jobs = call.flag('wait') ? await watched(call, server, buckets) : started
    const open = call.flag('wait') ? jobs.filter(({ state }) => state !== 'done') : []
    const rewrapped = jobs.reduce((sum, one) => sum + one.rewrapped, 0)
    call.out.answer(
      { jobs },
      () =>
        jobs.length === 0
          ? 'No bucket has anything under it.'
          : call.flag('wait')
            ? [
                `${open.length === 0 ? '✓' : '✕'} ${countText(rewrapped, 'data key')} rewrapped in ${buckets.join(', ')}`,
                ...open.map((job) => `  ${job.bucket} is ${[job.state, ...problemsOf(job)].join(', ')}`),
              ].join('\n')
            : `✓ begun for ${buckets.join(', ')}; coffer jobs watch tells how far it is`,
      buckets,
    )
    return call.flag('wait') ? endingOf(jobs) : 'done'
  },
}

async function bucketsOf(server: Server, key: RootKey, from: string | undefined): Promise<readonly string[]> {
  if (from === undefined) return bucketsHere((await radiusOfKey(server, key)).buckets)
  const { id } = await versionNamed(server, key, from)
  const usage = await server.control('GET', '/admin/v1/keys/usage', { query: { crn: key.crn } })
  return listOf(usage, 'buckets').flatMap((bucket) =>
    listOf(bucket, 'versions').some((one) => textOf(one, 'keyVersion') === id) ? (textOf(bucket, 'name') ?? []) : [],
  )
}

/** A store elsewhere rewraps its own; of those this one knows no figures. */
const bucketsHere = (buckets: readonly DarkBucket[]): readonly string[] =>
  buckets.flatMap(({ name, objects }) => (objects === undefined ? [] : name))

export const COMMANDS: readonly CommandSpec[] = [rewrap]
