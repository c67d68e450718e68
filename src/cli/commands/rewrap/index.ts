import { type DarkBucket, radiusOfKey } from '../../blast-radius.ts'
import { usage } from '../../failure.ts'
import { member } from '../../json.ts'
import { findKey } from '../../key-protect.ts'
import { type Job, jobOf, watched } from '../../rewrap-jobs.ts'
import { readBucket } from '../../s3/references.ts'
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
    wait: { help: 'until it is done' },
  },
  examples: ['coffer rewrap --bucket invoices --wait', 'coffer rewrap --key finance-root'],
  see: ['coffer key rotate', 'coffer jobs watch'],
  run: async (call) => {
    call.doing('rewrap')
    const [named, key] = [call.texts('bucket').map(readBucket), call.text('key')]
    if ((named.length === 0) === (key === undefined)) throw usage('give either --bucket or --key')
    const server = await call.server()
    const buckets =
      key === undefined ? named : bucketsHere((await radiusOfKey(server, await findKey(server, key))).buckets)
    const started: Job[] = []
    for (const bucket of buckets) {
      const answer = await server.control('POST', `/admin/v1/buckets/${encodeURIComponent(bucket)}/rewrap`)
      started.push(jobOf(member(answer, 'job')))
    }
    const jobs = call.flag('wait') ? await watched(call, server, buckets) : started
    const rewrapped = jobs.reduce((sum, one) => sum + one.rewrapped, 0)
    call.out.answer(
      { jobs },
      () =>
        jobs.length === 0
          ? 'No bucket is under it.'
          : call.flag('wait')
            ? `✓ ${countText(rewrapped, 'data key')} rewrapped in ${buckets.join(', ')}`
            : `✓ begun for ${buckets.join(', ')}; coffer jobs watch tells how far it is`,
      buckets,
    )
    return jobs.some(({ state }) => state === 'failed') ? 'partly' : 'done'
  },
}

/** A store elsewhere rewraps its own; of those this one knows no figures. */
const bucketsHere = (buckets: readonly DarkBucket[]): readonly string[] =>
  buckets.flatMap(({ name, objects }) => (objects === undefined ? [] : name))

export const COMMANDS: readonly CommandSpec[] = [rewrap]
