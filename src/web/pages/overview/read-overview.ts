import { type ActivityEntry, listActivity } from '../../client/activity.ts'
import { isStatus } from '../../client/api-error.ts'
import { attributeOf, listPolicies } from '../../client/iam.ts'
import { getSamples, type Samples } from '../../client/samples.ts'
import { session } from '../../client/session.ts'
import { type BucketRow, type KnownKey, readBuckets, readKeys } from '../buckets/read-buckets.ts'

/** What is left out may not be seen by whoever is signed in. */
export interface Overview {
  readonly buckets?: readonly BucketRow[]
  readonly keys: readonly KnownKey[]
  /** May object storage use root keys? */
  readonly isAuthorized?: boolean
  readonly activity?: readonly ActivityEntry[]
  readonly samples?: Samples
}

const SHOWN = 6

/** With objects, keys and rights: no list that a page like this one asked for. */
const DEEDS = [
  ...['s3.*', 'store.*', 'admin.*', 'kms.registrations.create', 'kms.policies.write', 'kms.secrets-alias.*'],
  ...['create', 'delete', 'disable', 'enable', 'purge', 'restore', 'rotate', 'wrap', 'unwrap', 'rewrap', 'set*'].map(
    (deed) => `kms.secrets.${deed}`,
  ),
  ...['iam.*', 'iam-identity.*', 'user-management.*', 'resource-controller.*'],
].join(',')

export async function readOverview(signal: AbortSignal): Promise<Overview> {
  const { halves } = session()
  const [buckets, keys, isAuthorized, activity, samples] = await Promise.all([
    halves.objects ? unlessRefused(readBuckets(signal)) : [],
    readKeys(signal),
    authorized(signal).catch(() => undefined),
    halves.objects ? listActivity({ did: DEEDS, limit: SHOWN }, signal).catch(() => undefined) : undefined,
    halves.objects ? getSamples(undefined, signal).catch(() => undefined) : undefined,
  ])
  return {
    keys: keys.filter(({ key }) => !key.deleted),
    ...(buckets ? { buckets } : {}),
    ...(isAuthorized === undefined ? {} : { isAuthorized }),
    ...(activity ? { activity: activity.entries } : {}),
    ...(samples ? { samples } : {}),
  }
}

/** What is refused leaves the rest of the page to be seen. */
const unlessRefused = <Value>(asked: Promise<Value>): Promise<Value | undefined> =>
  asked.catch((error: unknown) => {
    if (isStatus(error, 401, 403)) return undefined
    throw error
  })

async function authorized(signal: AbortSignal): Promise<boolean> {
  const policies = await listPolicies('authorization', signal)
  return policies.some(
    ({ subjects, resources }) =>
      attributeOf(subjects[0]?.attributes, 'serviceName') === 'cloud-object-storage' &&
      attributeOf(resources[0]?.attributes, 'serviceName') === 'kms',
  )
}
