import { parseCrn } from '../../../base/crn.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type {
  ReplicationConfiguration,
  ReplicationDestination,
  ReplicationRule,
} from '../../../objects/replication/configuration.ts'
import { objectLock } from '../lock/configuration.ts'
import type { OperationContext } from '../operation.ts'
import { rootKeyNamed } from '../root-key-name.ts'
import { invalid, malformed, wrong } from './values.ts'

/**
 * S3 replicates as a role that the bucket's owner may pass on. Here it is the work of whoever orders it, who must be allowed
 * to read what goes, and to write it where that is a bucket of this store: that is decided for each object when it goes, and
 * asked here so that who has no such right at all hears of it. Elsewhere the rights are those of the credentials that the
 * operator gave.
 */
export async function checkedReplication(
  source: Bucket,
  configuration: ReplicationConfiguration,
  context: OperationContext,
): Promise<ReplicationConfiguration> {
  const rules: ReplicationRule[] = []
  if (context.isWalled(source)) throw invalid('Source bucket must not have a firewall.')
  for (const rule of configuration.rules) {
    const all = { key: `${rule.filter?.prefix ?? rule.prefix ?? ''}*`, isPattern: true } as const
    await context.require({ bucket: source.name, ...all, action: 's3:GetObjectVersionForReplication' })
    const { target } = rule.destination
    if (target !== undefined) {
      checkElsewhere(source, rule.destination, target, context)
      rules.push(rule)
      continue
    }
    const bucket = checkHere(source, rule.destination, context)
    await context.require({ bucket: bucket.name, ...all, action: 's3:ReplicateObject' })
    if (rule.deleteMarkers ?? true) await context.require({ bucket: bucket.name, ...all, action: 's3:ReplicateDelete' })
    if (context.isWalled(bucket)) throw invalid('Destination bucket must not have a firewall.')
    rules.push({ ...rule, destination: { ...(await withKey(rule.destination, bucket, context)), bucketId: bucket.id } })
  }
  const orderedBy = context.mandate()
  return { ...configuration, rules, ...(orderedBy === undefined ? {} : { orderedBy }) }
}

const accountOf = ({ serviceInstanceCrn }: Bucket): string => parseCrn(serviceInstanceCrn).account

/** Whose buckets may be replicated there its operator says. */
function checkElsewhere(
  source: Bucket,
  { arn }: ReplicationDestination,
  target: string,
  { settings }: OperationContext,
): void {
  const known = settings.replicationTargets.find(({ name }) => name === target)
  if (known && (known.accounts.length === 0 || known.accounts.includes(accountOf(source)))) return
  throw wrong('Bucket', arn, 'The replication target is not set up')
}

function checkHere(
  source: Bucket,
  { bucket: name, storageClass = 'STANDARD' }: ReplicationDestination,
  { objects, settings }: OperationContext,
): Bucket {
  if (name === source.name) throw invalid('Destination bucket cannot be the same as the source bucket.')
  const bucket = objects.buckets.find(name)
  if (!bucket) throw invalid('Destination bucket must exist.')
  if (bucket.versioning !== 'Enabled') throw invalid('Destination bucket must have versioning enabled.')
  if (!settings.storageClasses.includes(storageClass)) throw malformed()
  if (objectLock.of(objects, source) && !objectLock.of(objects, bucket)) {
    throw invalid('Destination bucket must have Object Lock enabled.')
  }
  return bucket
}

async function withKey(
  destination: ReplicationDestination,
  bucket: Bucket,
  context: OperationContext,
): Promise<ReplicationDestination> {
  if (destination.keyName === undefined) return destination
  const { rootKeyCrn, encryption } = await rootKeyNamed(destination.keyName, bucket, context)
  return { ...destination, rootKeyCrn, encryption }
}
