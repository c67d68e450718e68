import { parseCrn } from '../../base/crn.ts'
import type { Iam } from '../../iam/iam.ts'
import type { Principal } from '../../iam/principal.ts'

/** IBM: `<location>-<class>`, e.g. us-south-standard. Cross-region locations keep their keys in one region of theirs. */
const IBM = /^([a-z0-9-]+?)-(standard|vault|cold|smart|flex|onerate_active)$/
const IBM_LOCATIONS = new Set(
  'us us-east us-south us-west eu eu-gb eu-de eu-es ap jp-tok jp-osa au-syd br-sao ca-tor ca-mon in-che in-mum ams03 che01 mon01 par01 sjc04 sng01 mil01'.split(
    ' ',
  ),
)
const KEY_REGION: Readonly<Record<string, string>> = { us: 'us-south', eu: 'eu-de', ap: 'jp-tok' }

/** The location of IBM's that a constraint names, or the constraint itself. */
export const ibmLocation = (constraint: string): string => IBM.exec(constraint)?.[1] ?? constraint
export const isIbmLocation = (location: string): boolean => IBM_LOCATIONS.has(location)

/** Region in which a root key for a bucket at this location must be; undefined when the location says nothing of IBM's regions. */
function keyRegion(constraint: string): string | undefined {
  const location = ibmLocation(constraint)
  return isIbmLocation(location) ? (KEY_REGION[location] ?? location) : undefined
}

/** A key of another region may not protect a bucket. Without a location the bucket is where the endpoint is. */
export function isOfRegion(rootKeyCrn: string, locationConstraint: string, endpointRegion: string): boolean {
  const region = keyRegion(locationConstraint || endpointRegion)
  return region === undefined || parseCrn(rootKeyCrn).region === region
}

/**
 * May the caller himself see this root key, for a bucket of that account? Otherwise a tenant could bind a foreign key and
 * use the store as deputy.
 */
export function mayUseRootKey(
  { decide }: Pick<Iam, 'decide'>,
  principal: Principal,
  { rootKeyCrn, bucketAccountId }: { readonly rootKeyCrn: string; readonly bucketAccountId: string },
): boolean {
  const { account, instance, resource } = parseCrn(rootKeyCrn)
  // In another account only that account's authorization for the bucket's instance can say yes, and the wrap asks for it.
  // It is the bucket's owner's to use, not that of whom he lets in.
  if (account !== principal.accountId) return principal.accountId === bucketAccountId
  const target = { service: 'kms', accountId: account, instance, resourceType: 'key', resource } as const
  return decide(principal, 'kms.secrets-metadata.read', target).allowed
}
