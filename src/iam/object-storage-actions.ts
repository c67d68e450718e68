import type { Action } from './actions.ts'
import type { Role } from './principal.ts'

type S3Action = Extract<Action, `s3:${string}`>

interface Row {
  /** As IAM names it, behind `cloud-object-storage.`; undefined: IBM has no such action. */
  readonly name: string | undefined
  readonly roles: readonly Role[]
  readonly actions: readonly S3Action[]
}

const LETTERS: Readonly<Record<string, Role>> = {
  M: 'Manager',
  W: 'Writer',
  R: 'Reader',
  c: 'ContentReader',
  o: 'ObjectReader',
  w: 'ObjectWriter',
}
const rolesOf = (letters: string): Role[] => [...letters].flatMap((letter) => LETTERS[letter] ?? [])
const row = (name: string | undefined, letters: string, ...actions: S3Action[]): Row => ({
  ...{ name, actions },
  roles: rolesOf(letters),
})

/**
 * "IAM roles and actions" of IBM Cloud's documentation, table "Service actions - Cloud Object Storage": each action that
 * something here asks for, the roles that it names, and what S3 calls it. Its Notifications Manager, a role for services of
 * IBM, does not exist here.
 */
const IBM: readonly Row[] = [
  row('account.get_account_buckets', 'MRW', 's3:ListAllMyBuckets'),
  row('bucket.put_bucket', 'MW', 's3:CreateBucket'),
  row('bucket.delete_bucket', 'MW', 's3:DeleteBucket'),
  row('bucket.get', 'cMRW', 's3:ListBucket', 's3:GetBucketLocation'),
  row('bucket.head', 'cMRW', 's3:ListBucket'),
  row('bucket.list_crk_id', 'MW', 's3:GetBucketRootKey'),
  row('bucket.get_versions', 'cMRW', 's3:ListBucketVersions'),
  row('bucket.get_uploads', 'MRW', 's3:ListBucketMultipartUploads'),
  row('bucket.get_location', 'cMRW', 's3:GetBucketLocation'),
  row('bucket.get_acl', 'M', 's3:GetBucketAcl'),
  row('bucket.put_acl', 'M', 's3:PutBucketAcl'),
  // S3 asks for the same to add and to remove it.
  row('bucket.get_cors', 'MRW', 's3:GetBucketCORS'),
  row('bucket.put_cors', 'MW', 's3:PutBucketCORS'),
  row('bucket.get_website', 'MRW', 's3:GetBucketWebsite'),
  row('bucket.put_website', 'MW', 's3:PutBucketWebsite'),
  row('bucket.delete_website', 'MW', 's3:DeleteBucketWebsite'),
  row('bucket.get_versioning', 'MRW', 's3:GetBucketVersioning'),
  row('bucket.put_versioning', 'MW', 's3:PutBucketVersioning'),
  row('bucket.get_object_lock_configuration', 'MRW', 's3:GetBucketObjectLockConfiguration'),
  row('bucket.put_object_lock_configuration', 'MW', 's3:PutBucketObjectLockConfiguration'),
  // S3 asks for the same to put and to remove it.
  row('bucket.get_replication', 'MRW', 's3:GetReplicationConfiguration'),
  row('bucket.put_replication', 'MW', 's3:PutReplicationConfiguration'),
  row('bucket.get_lifecycle', 'MRW', 's3:GetLifecycleConfiguration'),
  row('bucket.put_lifecycle', 'MW', 's3:PutLifecycleConfiguration'),
  row('bucket.get_protection', 'MRW', 's3:GetBucketProtection'),
  row('bucket.put_protection', 'M', 's3:PutBucketProtection'),
  row('bucket.get_public_access_block', 'M', 's3:GetBucketPublicAccessBlock'),
  row('bucket.put_public_access_block', 'M', 's3:PutBucketPublicAccessBlock'),
  // Of the resource configuration API, member by member.
  row('bucket.list_bucket_crn', 'MRW', 's3:GetBucketConfiguration'),
  row('bucket.get_activity_tracking', 'MRW', 's3:GetBucketActivityTracking'),
  row('bucket.put_activity_tracking', 'MW', 's3:PutBucketActivityTracking'),
  row('bucket.get_metrics_monitoring', 'MRW', 's3:GetBucketMetricsMonitoring'),
  row('bucket.put_metrics_monitoring', 'MW', 's3:PutBucketMetricsMonitoring'),
  row('bucket.get_firewall', 'M', 's3:GetBucketFirewall'),
  row('bucket.put_firewall', 'M', 's3:PutBucketFirewall'),
  row('bucket.put_quota', 'M', 's3:PutBucketQuota'),

  row('object.get', 'coMRW', 's3:GetObject', 's3:GetObjectAttributes'),
  row('object.head', 'coMRW', 's3:GetObject', 's3:GetObjectAttributes'),
  row('object.get_version', 'coMRW', 's3:GetObjectVersion', 's3:GetObjectVersionAttributes'),
  row('object.head_version', 'coMRW', 's3:GetObjectVersion', 's3:GetObjectVersionAttributes'),
  // S3 asks for the same to write an object at once, in parts, by a form and as a copy; the parts of a copy are another right at IBM.
  row('object.put', 'MwW', 's3:PutObject'),
  row('object.delete', 'MW', 's3:DeleteObject'),
  row('object.delete_version', 'MW', 's3:DeleteObjectVersion'),
  row('object.get_uploads', 'MwRW', 's3:ListMultipartUploadParts'),
  row('object.delete_upload', 'MwW', 's3:AbortMultipartUpload'),
  row('object.get_acl', 'M', 's3:GetObjectAcl'),
  row('object.get_acl_version', 'M', 's3:GetObjectVersionAcl'),
  row('object.put_acl', 'M', 's3:PutObjectAcl'),
  row('object.put_acl_version', 'M', 's3:PutObjectVersionAcl'),
  row('object.get_tagging', 'MRW', 's3:GetObjectTagging', 's3:GetObjectVersionTagging'),
  row('object.get_tagging_version', 'MRW', 's3:GetObjectVersionTagging'),
  row('object.put_tagging', 'MwW', 's3:PutObjectTagging', 's3:PutObjectVersionTagging'),
  row('object.put_tagging_version', 'MwW', 's3:PutObjectVersionTagging'),
  row('object.delete_tagging', 'MwW', 's3:DeleteObjectTagging', 's3:DeleteObjectVersionTagging'),
  row('object.delete_tagging_version', 'MwW', 's3:DeleteObjectVersionTagging'),
  row('object.restore', 'MW', 's3:RestoreObject'),
  row('object.get_object_lock_retention', 'MRW', 's3:GetObjectRetention'),
  row('object.put_object_lock_retention', 'MwW', 's3:PutObjectRetention'),
  row('object.get_object_lock_legal_hold', 'MRW', 's3:GetObjectLegalHold'),
  row('object.put_object_lock_legal_hold', 'MwW', 's3:PutObjectLegalHold'),
  row('object.get_legal_hold', 'MRW', 's3:ListLegalHolds'),
  row('object.post_legal_hold', 'MW', 's3:AddLegalHold'),
  row('object.post_extend_retention', 'MW', 's3:ExtendObjectRetention'),
]

/** What S3 has and IBM has not, each as its next of kin in the table above: what gives rights, and may cost what is kept, is a Manager's. */
const OTHERS: readonly Row[] = [
  // As bucket.get_website and bucket.put_website: what the bucket is told, with no rights in it.
  row(undefined, 'MRW', 's3:GetBucketTagging', 's3:GetAccelerateConfiguration', 's3:GetBucketRequestPayment'),
  row(undefined, 'MW', 's3:PutBucketTagging', 's3:PutAccelerateConfiguration', 's3:PutBucketRequestPayment'),
  row(undefined, 'MRW', 's3:GetAnalyticsConfiguration', 's3:GetIntelligentTieringConfiguration'),
  row(undefined, 'MW', 's3:PutAnalyticsConfiguration', 's3:PutIntelligentTieringConfiguration'),
  // As bucket.get_metrics_monitoring and bucket.put_metrics_monitoring.
  row(undefined, 'MRW', 's3:GetMetricsConfiguration', 's3:GetInventoryConfiguration', 's3:GetBucketLogging'),
  row(undefined, 'MW', 's3:PutMetricsConfiguration', 's3:PutInventoryConfiguration', 's3:PutBucketLogging'),
  // As bucket.list_crk_id.
  row(undefined, 'MW', 's3:GetEncryptionConfiguration'),
  row(undefined, 'M', 's3:PutEncryptionConfiguration', 's3:UpdateObjectEncryption', 's3:GetBucketUsage'),
  // As object.get_version. Whoever writes replicas chooses ids and times of versions.
  row(undefined, 'MRW', 's3:GetObjectVersionForReplication'),
  row(undefined, 'M', 's3:ReplicateObject', 's3:ReplicateDelete', 's3:ReplicateTags'),
  // As bucket.get_acl and bucket.put_acl.
  row(undefined, 'M', 's3:GetBucketPolicy', 's3:GetBucketPolicyStatus', 's3:GetBucketOwnershipControls'),
  row(undefined, 'M', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy', 's3:PutBucketOwnershipControls'),
  // As bucket.put_protection.
  row(undefined, 'M', 's3:BypassGovernanceRetention'),
  // IBM: a Notifications Manager’s.
  row(undefined, 'M', 's3:GetBucketNotification', 's3:PutBucketNotification'),
]

const byAction = new Map<string, ReadonlySet<Role>>()
for (const { roles, actions } of [...IBM, ...OTHERS]) {
  for (const action of actions) byAction.set(action, new Set([...(byAction.get(action) ?? []), ...roles]))
}

/** By name: what a custom role may be given, and what that is in S3. */
export const OBJECT_STORAGE_NAMES: ReadonlyMap<string, readonly Action[]> = new Map<string, readonly Action[]>([
  ...IBM.flatMap(({ name, actions }) => (name === undefined ? [] : [[name, actions] as const])),
  // What roles of earlier releases may say.
  ['object.post_restore', ['s3:RestoreObject']],
])

/** Is there a row for it? What has none is a Manager's. */
export const isInTable = (action: Action): boolean => byAction.has(action)

export const objectStorageRoleAllows = (role: Role, action: Action): boolean =>
  role === 'Manager' || byAction.get(action)?.has(role) === true
