import { usage } from '../../failure.ts'
import { readBucket } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'

export const bucketVersioning: CommandSpec = {
  name: 'versioning',
  summary: 'Shows, enables or suspends versioning.',
  arguments: [
    { name: 'bucket', help: 'name', kind: 'bucket' },
    { name: 'state', help: 'on or off; without it, the state is shown', optional: true },
  ],
  examples: ['coffer bucket versioning invoices', 'coffer bucket versioning invoices on'],
  see: ['coffer object versions', 'coffer object restore'],
  run: async (call) => {
    const name = readBucket(call.argument('bucket'))
    const wanted = call.maybe('state')
    call.doing(`${wanted === undefined ? 'show' : 'set'} versioning of ${name}`)
    const s3 = await (await call.server()).s3()
    if (wanted !== undefined) {
      const status = STATES[wanted]
      if (status === undefined) throw usage(`versioning is on or off, and not ${wanted}`)
      await s3.putBucketVersioning({ Bucket: name, VersioningConfiguration: { Status: status } })
    }
    const { Status: status = 'never enabled' } = await s3.getBucketVersioning({ Bucket: name })
    call.out.answer({ bucket: name, versioning: status }, () => `${name}: ${status}`, [status])
    return 'done'
  },
}

const STATES: Readonly<Record<string, 'Enabled' | 'Suspended'>> = { on: 'Enabled', off: 'Suspended' }
