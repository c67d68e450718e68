import { type ActivityEntry, listActivity } from '../../client/activity.ts'
import { attributeOf, listPolicies } from '../../client/iam.ts'
import { getSamples, type Samples } from '../../client/samples.ts'
import { session } from '../../client/session.ts'
import { type BucketRow, type KnownKey, readBuckets, readKeys } from '../buckets/read-buckets.ts'

/** What is left out may not be seen by whoever is signed in. */
export interface Overview {
  readonly buckets: readonly BucketRow[]
  readonly keys: readonly KnownKey[]
  /** May object storage use root keys? */
  readonly isAuthorized?: boolean
  readonly activity?: readonly ActivityEntry[]
  readonly samples?: Samples
}

const SHOWN = 6

export async function readOverview(signal: AbortSignal): Promise<Overview> {
  const { halves } = session()
  const [buckets, keys, isAuthorized, activity, samples] = await Promise.all([
    halves.objects ? readBuckets(signal) : [],
    readKeys(signal),
    authorized(signal).catch(() => undefined),
    halves.objects ? listActivity({ limit: SHOWN }, signal).catch(() => undefined) : undefined,
    halves.objects ? getSamples(undefined, signal).catch(() => undefined) : undefined,
  ])
  return {
    ...{ buckets, keys: keys.filter(({ key }) => !key.deleted) },
    ...(isAuthorized === undefined ? {} : { isAuthorized }),
    ...(activity ? { activity: activity.entries } : {}),
    ...(samples ? { samples } : {}),
  }
}

async function authorized(signal: AbortSignal): Promise<boolean> {
  const policies = await listPolicies('authorization', signal)
  return policies.some(
    ({ subjects, resources }) =>
      attributeOf(subjects[0]?.attributes, 'serviceName') === 'cloud-object-storage' &&
      attributeOf(resources[0]?.attributes, 'serviceName') === 'kms',
  )
}
