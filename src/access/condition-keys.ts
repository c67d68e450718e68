/**
 * Condition keys that a policy may name, lower case. One that ends with `/` stands for a family (`s3:existingobjecttag/`).
 * A key that is not here is refused with the policy: what is not understood could only be guessed at.
 */
const GLOBAL = [
  'assumedroot calledvia calledviafirst calledvialast chatbotsourcearn currenttime ec2instancesourceprivateipv4',
  'ec2instancesourcevpc epochtime federatedprovider multifactorauthage multifactorauthpresent principalaccount principalarn',
  'principalisawsservice principalorgid principalorgpaths principalservicename principalservicenameslist principaltag/',
  'principaltype referer requestedregion requesttag/ resourceaccount resourceorgid resourceorgpaths resourcetag/',
  'securetransport signinsessionarn sourceaccount sourcearn sourceidentity sourceinstancearn sourceip sourceorgid',
  'sourceorgpaths sourceowner sourcevpc sourcevpcarn sourcevpce tagkeys tokenissuetime useragent userid username',
  'viaawsservice vpceaccount vpceorgid vpceorgpaths vpcsourceip',
]
const S3 = [
  'accessgrantsinstancearn accesspointnetworkorigin accesspointtag/ authtype buckettag/ dataaccesspointaccount',
  'dataaccesspointarn delimiter destinationregion existingobjecttag/ if-match if-none-match',
  'inventoryaccessibleoptionalfields isreplicationpauserequest locationconstraint max-keys object-lock-legal-hold',
  'object-lock-mode object-lock-remaining-retention-days object-lock-retain-until-date objectcreationoperation prefix',
  'requestobjecttag/ requestobjecttagkeys resourceaccount signatureage signatureversion tlsversion versionid x-amz-acl',
  'x-amz-content-sha256 x-amz-copy-source x-amz-grant-full-control x-amz-grant-read x-amz-grant-read-acp x-amz-grant-write',
  'x-amz-grant-write-acp x-amz-metadata-directive x-amz-object-ownership x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id x-amz-server-side-encryption-customer-algorithm x-amz-storage-class',
  'x-amz-website-redirect-location',
]

const names = (prefix: string, lines: readonly string[]): string[] =>
  lines.flatMap((line) => line.split(' ')).map((name) => `${prefix}:${name}`)

export const CONDITION_KEYS: ReadonlySet<string> = new Set([...names('aws', GLOBAL), ...names('s3', S3)])

/** Of the query APIs: policies of identities and of roles may name these, too. */
const QUERY_KEYS: ReadonlySet<string> = new Set([
  ...['iam:permissionsboundary', 'iam:policyarn', 'sts:externalid', 'sts:rolesessionname', 'sts:transitivetagkeys'],
])

/** `<issuer>:sub` and so on: what an identity provider says of whom it knows. The issuer is a host, perhaps with a port and a path. */
const ISSUER_KEY =
  /^(?:localhost|\[[0-9a-f:]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::\d+)?(?:\/[^\s]*)?:(?:sub|aud|oaud|azp|amr)$/

export const isIssuerKey = (key: string): boolean => ISSUER_KEY.test(key.toLowerCase())

/** In any policy: what is not known has no value, and what has none would look like what a request has not. */
export const isKnownAnywhere = (key: string): boolean =>
  QUERY_KEYS.has(key.toLowerCase()) || /^iam:resourcetag\/./i.test(key) || isIssuerKey(key) || isKnownKey(key)

/** In the policy of a bucket. */
export function isKnownKey(key: string): boolean {
  const name = key.toLowerCase()
  const slash = name.indexOf('/')
  if (slash < 0) return CONDITION_KEYS.has(name)
  return slash < name.length - 1 && CONDITION_KEYS.has(name.slice(0, slash + 1))
}
