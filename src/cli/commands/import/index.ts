import { usage } from '../../failure.ts'
import { isRemote, readReference } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'
import { betweenStores, folder, STORE_OPTIONS } from '../../transfer/between-stores.ts'
import { openElsewhere } from '../../transfer/elsewhere.ts'

const importBucket: CommandSpec = {
  name: '',
  summary: 'Copies a bucket of another S3 store (MinIO, AWS, Ceph, …) into this one.',
  about:
    'With metadata, tags and, where the destination has Object Lock, retention. What was stored in parts is stored in the same parts, so ETags stay; each object is checked against the ETag or checksum of its source. Run it again after whatever interrupts it, or to fetch what came since: what is there is passed over. The source is named by --endpoint and SOURCE_AWS_ACCESS_KEY_ID, SOURCE_AWS_SECRET_ACCESS_KEY (all variables of AWS with SOURCE_ before), or by --source-profile.',
  arguments: [
    { name: 'source', help: 's3://bucket or s3://bucket/prefix of the other store' },
    { name: 'destination', help: 'bucket or bucket/prefix here', kind: 'bucket' },
  ],
  options: {
    endpoint: { value: 'url', help: 'of the source; SOURCE_AWS_ENDPOINT_URL_S3 does the same' },
    'source-profile': { value: 'name', help: 'a profile that coffer login saved, as the source', kind: 'profile' },
    ...STORE_OPTIONS,
  },
  again: 'what is there is passed over',
  examples: [
    'coffer import s3://photos imported --endpoint http://minio:9000 --dry-run',
    'coffer import s3://photos imported --endpoint http://minio:9000',
    'coffer import s3://photos imported --endpoint http://minio:9000 --check',
  ],
  see: ['coffer export', 'docs/migrate-from-minio.md', 'coffer object sync'],
  run: async (call) => {
    const [given, named] = [call.argument('source'), call.argument('destination')]
    call.doing(`import ${given}`)
    if (!isRemote(given)) throw usage('the source is s3://bucket or s3://bucket/prefix')
    const other = { profile: call.text('source-profile'), endpoint: call.text('endpoint') }
    const source = await openElsewhere(call.environment, 'source', other, call.signal)
    try {
      const server = await call.server()
      const route = {
        ...{ source: await source.s3(), from: folder(readReference(given)) },
        ...{ destination: await server.s3(), to: folder(readReference(named)), signal: call.signal },
      }
      return await betweenStores(call, route, server.s3Url)
    } finally {
      source.dispose()
    }
  },
}

export const COMMANDS: readonly CommandSpec[] = [importBucket]
