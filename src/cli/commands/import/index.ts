import type { S3 } from '@aws-sdk/client-s3'
import type { Call } from '../../call.ts'
import { CommandFailure, usage } from '../../failure.ts'
import { type Checked, copyVersion } from '../../import/copy-version.ts'
import { type KeyPlan, planCurrent, planVersions, type Route } from '../../import/plan.ts'
import { openSource } from '../../import/source.ts'
import { itemFailure } from '../../item-failure.ts'
import { orNone } from '../../s3/or-none.ts'
import { isRemote, type ObjectReference, readReference, referenceText } from '../../s3/references.ts'
import { inParallel } from '../../s3/workers.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText, sizeText } from '../../units.ts'

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
    versions: { help: 'every version and delete marker, in their order; the destination keeps versions' },
    'dry-run': { help: 'says what would be copied, and copies nothing' },
    check: { help: 'copies nothing and says what is missing or different; exit status 3 if anything is' },
    'size-only': { help: 'for a source whose ETags are no MD5 and that has no checksums: sizes count' },
    parallel: { value: 'n', help: 'objects at once; 8 by default' },
  },
  examples: [
    'coffer import s3://photos imported --endpoint http://minio:9000 --dry-run',
    'coffer import s3://photos imported --endpoint http://minio:9000',
    'coffer import s3://photos imported --endpoint http://minio:9000 --check',
  ],
  see: ['docs/migrate-from-minio.md', 'coffer object sync'],
  run: async (call) => {
    const [given, named] = [call.argument('source'), call.argument('destination')]
    call.doing(`import ${given}`)
    if (!isRemote(given)) throw usage('the source is s3://bucket or s3://bucket/prefix')
    const source = await openSource(
      call.environment,
      { profile: call.text('source-profile'), endpoint: call.text('endpoint') },
      call.signal,
    )
    try {
      const server = await call.server()
      const route: Route = {
        ...{ source: await source.s3(), from: folder(readReference(given)) },
        ...{ destination: await server.s3(), to: folder(readReference(named)), signal: call.signal },
      }
      return await imported(call, route, server.s3Url)
    } finally {
      source.dispose()
    }
  },
}

const folder = ({ bucket, key }: ObjectReference): ObjectReference => ({
  bucket,
  key: key === '' || key.endsWith('/') ? key : `${key}/`,
})

interface Sum {
  keys: number
  versions: number
  bytes: number
}

async function imported(call: Call, route: Route, endpoint: string) {
  const isVersioned = call.flag('versions')
  await route.source.headBucket({ Bucket: route.from.bucket })
  if (isVersioned) await requireVersioning(route.destination, route.to.bucket)
  else await route.destination.headBucket({ Bucket: route.to.bucket })
  const plans = (isKnown: (key: string) => void) =>
    isVersioned ? planVersions(route, isKnown) : planCurrent(route, isKnown)
  const planned: Sum & { all: number } = { keys: 0, versions: 0, bytes: 0, all: 0 }
  const isCheck = call.flag('check')
  for await (const plan of plans(() => planned.all++)) {
    planned.keys++
    planned.versions += plan.versions.length
    planned.bytes += plan.bytes
    if (isCheck || call.flag('dry-run')) told(call, plan)
  }
  const facts = {
    source: `s3://${referenceText(route.from)}`,
    destination: referenceText(route.to),
    objects: planned.all,
  }
  const what = `${countText(planned.keys, 'object')}${isVersioned ? ` in ${countText(planned.versions, 'version')}` : ''}, ${sizeText(planned.bytes)}`
  if (isCheck) {
    if (planned.keys > 0)
      throw new CommandFailure({
        code: 'Different',
        ending: 'partly',
        why: `${what}, of ${planned.all} are missing here or different`,
        fixes: ['the same command without --check'],
      })
    call.out.result(
      { ...facts, different: 0 },
      () => `✓ All ${countText(planned.all, 'object')} of ${facts.source} are in ${facts.destination}`,
    )
    return 'done' as const
  }
  if (call.flag('dry-run')) {
    call.out.result(
      { ...facts, dryRun: true, copy: planned.keys, versions: planned.versions, bytes: planned.bytes },
      () => `${what}, of ${planned.all} would be copied. Nothing was.`,
    )
    return 'done' as const
  }
  call.progress().total(planned.bytes, planned.keys)
  return copied(
    call,
    route,
    plans(() => {}),
    { all: planned.all, endpoint, facts },
  )
}

const told = ({ out }: Call, { key, versions, bytes, difference, conflict }: KeyPlan): void =>
  out.item(
    { key, versions: versions.length, bytes, difference, conflict },
    () =>
      `${difference === 'missing' ? '+' : '≠'} ${key}  ${sizeText(bytes)}${conflict === undefined ? '' : `  ▲ ${conflict}`}`,
    key,
  )

async function requireVersioning(s3: S3, bucket: string): Promise<void> {
  const { Status: status } = await s3.getBucketVersioning({ Bucket: bucket })
  if (status === 'Enabled') return
  throw new CommandFailure({
    code: 'NotVersioned',
    ending: 'conflict',
    why: `${bucket} keeps no versions`,
    fixes: [`coffer bucket versioning ${bucket} on`],
  })
}

interface Facts {
  readonly all: number
  readonly endpoint: string
  readonly facts: object
}

async function copied(call: Call, route: Route, plans: AsyncGenerator<KeyPlan>, { all, endpoint, facts }: Facts) {
  const progress = call.progress()
  const keepsLocks = await hasLock(route.destination, route.to.bucket)
  const sizeOnly = call.flag('size-only')
  const sum = { objects: 0, versions: 0, bytes: 0, failed: 0 }
  const checks: Record<Checked, number> = { etag: 0, checksum: 0, size: 0 }
  await inParallel(plans, Math.max(1, call.count('parallel') ?? 8), async ({ key, target, versions, conflict }) => {
    try {
      if (conflict !== undefined)
        throw new CommandFailure({ code: 'VersionsDiffer', ending: 'conflict', why: conflict })
      progress.begin(key, undefined)
      // One after the other: their order is what makes them versions.
      for (const version of versions) {
        if (version.isDeleteMarker) await route.destination.deleteObject({ Bucket: route.to.bucket, Key: target })
        else checks[await copyVersion({ route, target, version, keepsLocks, sizeOnly, onBytes: progress.add })]++
        sum.versions++
        sum.bytes += version.size
      }
      sum.objects++
      progress.itemDone()
      if (call.out.json || call.out.quiet)
        call.out.item(
          { key, destination: `${route.to.bucket}/${target}`, versions: versions.length },
          () => undefined,
          target,
        )
    } catch (error) {
      if (call.signal.aborted) throw error
      sum.failed++
      progress.clear()
      itemFailure(call, key, error, endpoint)
    }
  })
  progress.clear()
  if (sum.failed > 0) {
    throw new CommandFailure({
      code: 'PartlyDone',
      ending: sum.objects === 0 ? 'failed' : 'partly',
      why: `${countText(sum.failed, 'object')} could not be copied; ${countText(sum.objects, 'object')}, ${sizeText(sum.bytes)}, were`,
      fixes: ['the same command again: what was copied is passed over'],
    })
  }
  call.out.result({ ...facts, copied: sum, passedOver: all - sum.objects, checked: checks }, () =>
    summary(sum, all, checks),
  )
  return 'done' as const
}

const hasLock = async (s3: S3, bucket: string): Promise<boolean> =>
  (await orNone(s3.getObjectLockConfiguration({ Bucket: bucket })))?.ObjectLockConfiguration?.ObjectLockEnabled ===
  'Enabled'

function summary(
  sum: { readonly objects: number; readonly versions: number; readonly bytes: number },
  all: number,
  checks: Readonly<Record<Checked, number>>,
): string {
  const versions = sum.versions > sum.objects ? ` in ${countText(sum.versions, 'version')}` : ''
  const by = [
    checks.etag > 0 ? `${checks.etag} by ETag` : '',
    checks.checksum > 0 ? `${checks.checksum} by checksum` : '',
    checks.size > 0 ? `${checks.size} by size alone` : '',
  ].filter(Boolean)
  return [
    `✓ ${countText(sum.objects, 'object')}${versions} copied, ${sizeText(sum.bytes)}; ${all - sum.objects} were there`,
    ...(by.length > 0 ? [`  checked: ${by.join(', ')}`] : []),
  ].join('\n')
}

export const COMMANDS: readonly CommandSpec[] = [importBucket]
