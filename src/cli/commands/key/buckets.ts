import { KEY_ARGUMENT, labelled } from '../../key-face.ts'
import { findKey, registrationsOf } from '../../key-protect.ts'
import type { CommandSpec } from '../../spec.ts'
import { whenText } from '../../units.ts'

export const keyBuckets: CommandSpec = {
  name: 'buckets',
  summary: 'Lists the buckets that a key protects.',
  arguments: [KEY_ARGUMENT],
  examples: ['coffer key buckets finance-root'],
  see: ['coffer key disable'],
  run: async (call) => {
    call.doing(`list the buckets of the key ${call.argument('key')}`)
    const server = await call.server()
    const key = await findKey(server, call.argument('key'))
    const { nowMs } = call.out
    call.out.rows({
      name: 'buckets',
      rows: await registrationsOf(server, key),
      columns: [
        { head: 'BUCKET', cell: ({ bucket }) => bucket },
        { head: 'SINCE', cell: ({ createdAt }) => whenText(createdAt, nowMs) },
        { head: 'KEEPS THE KEY', cell: ({ preventsDeletion }) => (preventsDeletion ? 'yes' : 'no') },
        { head: 'VERSION', cell: ({ versionId }) => versionId, wide: true },
      ],
      id: ({ bucket }) => bucket,
      none: `No bucket is registered at ${labelled(key)}.`,
    })
    return 'done'
  },
}
