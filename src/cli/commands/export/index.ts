import { resolve } from 'node:path'
import { usage } from '../../failure.ts'
import { isRemote, readReference } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'
import { betweenStores, folder, STORE_OPTIONS } from '../../transfer/between-stores.ts'
import { openElsewhere } from '../../transfer/elsewhere.ts'
import { toDirectory } from '../../transfer/to-directory.ts'

const exportBucket: CommandSpec = {
  name: '',
  summary: 'Copies a bucket, or what is below a prefix, to another S3 store or into a directory.',
  about:
    'What goes out is not encrypted by Coffer any more: the other store or disk has it as it keeps things. To a store with metadata, tags and retention, in the same parts, each object checked against its ETag; that bucket has to be there. Into a directory contents and times alone, each file checked before it is in its place. Run it again after whatever interrupts it: what is there is passed over. The other store is named by --endpoint and TARGET_AWS_ACCESS_KEY_ID, TARGET_AWS_SECRET_ACCESS_KEY (all variables of AWS with TARGET_ before), or by --target-profile.',
  arguments: [
    { name: 'source', help: 'bucket or bucket/prefix here', kind: 'object' },
    { name: 'destination', help: 's3://bucket or s3://bucket/prefix of the other store, or a directory', kind: 'file' },
  ],
  options: {
    endpoint: { value: 'url', help: 'of the other store; TARGET_AWS_ENDPOINT_URL_S3 does the same' },
    'target-profile': { value: 'name', help: 'a profile that coffer login saved, as the other store', kind: 'profile' },
    ...STORE_OPTIONS,
    check: { help: 'copies nothing and says what is missing or different; of a directory it reads every file' },
  },
  again: 'what is there is passed over',
  examples: [
    'coffer export invoices/2026 s3://exported --endpoint http://minio:9000 --dry-run',
    'coffer export invoices/2026 s3://exported --endpoint http://minio:9000',
    'coffer export invoices/2026 /mnt/copy',
    'coffer export invoices/2026 /mnt/copy --check',
  ],
  see: ['coffer import', 'coffer object sync', 'coffer backup'],
  run: async (call) => {
    const [given, named] = [call.argument('source'), call.argument('destination')]
    call.doing(`export ${given}`)
    const from = folder(readReference(given))
    const other = { profile: call.text('target-profile'), endpoint: call.text('endpoint') }
    if (!isRemote(named)) {
      if (
        call.flag('versions') ||
        call.flag('size-only') ||
        other.profile !== undefined ||
        other.endpoint !== undefined
      )
        throw usage('--versions, --size-only, --endpoint and --target-profile are of another store: s3://bucket')
      call.about(from.bucket)
      const server = await call.server()
      return toDirectory(call, { s3: await server.s3(), from, root: resolve(named), signal: call.signal }, server.s3Url)
    }
    const target = await openElsewhere(call.environment, 'target', other, call.signal)
    try {
      const server = await call.server()
      const route = {
        ...{ source: await server.s3(), from, destination: await target.s3(), to: folder(readReference(named)) },
        signal: call.signal,
      }
      return await betweenStores(call, route, target.s3Url)
    } finally {
      target.dispose()
    }
  },
}

export const COMMANDS: readonly CommandSpec[] = [exportBucket]
