import { type Action, IAM_ACTIONS, KMS_ACTIONS } from './actions.ts'
import type { ServiceName } from './principal.ts'
import { isServiceOnly } from './role-actions.ts'

/** Object storage's actions as IAM names them, and what S3 calls them. */
const OBJECT_STORAGE: ReadonlyMap<string, readonly Action[]> = new Map<string, readonly Action[]>([
  ['account.get_account_buckets', ['s3:ListAllMyBuckets']],
  ['bucket.put_bucket', ['s3:CreateBucket']],
  ['bucket.delete_bucket', ['s3:DeleteBucket']],
  ['bucket.get', ['s3:ListBucket', 's3:GetBucketLocation']],
  ['bucket.get_versions', ['s3:ListBucketVersions']],
  ['bucket.get_uploads', ['s3:ListBucketMultipartUploads']],
  ['bucket.get_versioning', ['s3:GetBucketVersioning']],
  ['bucket.put_versioning', ['s3:PutBucketVersioning']],
  // S3 asks for one right to set CORS rules and to remove them.
  ['bucket.get_cors', ['s3:GetBucketCORS']],
  ['bucket.put_cors', ['s3:PutBucketCORS']],
  ['bucket.get_website', ['s3:GetBucketWebsite']],
  ['bucket.put_website', ['s3:PutBucketWebsite']],
  ['bucket.delete_website', ['s3:DeleteBucketWebsite']],
  // Of the resource configuration API, member by member.
  ['bucket.list_bucket_crn', ['s3:GetBucketConfiguration']],
  ['bucket.put_quota', ['s3:PutBucketQuota']],
  ['bucket.get_firewall', ['s3:GetBucketFirewall']],
  ['bucket.put_firewall', ['s3:PutBucketFirewall']],
  ['bucket.get_activity_tracking', ['s3:GetBucketActivityTracking']],
  ['bucket.put_activity_tracking', ['s3:PutBucketActivityTracking']],
  ['bucket.get_metrics_monitoring', ['s3:GetBucketMetricsMonitoring']],
  ['bucket.put_metrics_monitoring', ['s3:PutBucketMetricsMonitoring']],
  ['object.get', ['s3:GetObject', 's3:GetObjectAttributes']],
  ['object.get_version', ['s3:GetObjectVersion', 's3:GetObjectVersionAttributes']],
  ['object.put', ['s3:PutObject']],
  ['object.delete', ['s3:DeleteObject']],
  ['object.delete_version', ['s3:DeleteObjectVersion']],
  ['object.get_uploads', ['s3:ListMultipartUploadParts']],
  ['object.delete_upload', ['s3:AbortMultipartUpload']],
  ['object.get_tagging', ['s3:GetObjectTagging', 's3:GetObjectVersionTagging']],
  ['object.put_tagging', ['s3:PutObjectTagging', 's3:PutObjectVersionTagging']],
  ['object.delete_tagging', ['s3:DeleteObjectTagging', 's3:DeleteObjectVersionTagging']],
  ['object.post_restore', ['s3:RestoreObject']],
  ['object.get_legal_hold', ['s3:GetObjectLegalHold']],
  ['object.get_object_lock_retention', ['s3:GetObjectRetention']],
  ['object.put_object_lock_retention', ['s3:PutObjectRetention']],
  ['object.put_object_lock_legal_hold', ['s3:PutObjectLegalHold']],
  ['bucket.get_object_lock_configuration', ['s3:GetBucketObjectLockConfiguration']],
  ['bucket.put_object_lock_configuration', ['s3:PutBucketObjectLockConfiguration']],
])

const byName = (actions: readonly Action[]): ReadonlyMap<string, readonly Action[]> =>
  new Map(actions.filter((action) => !isServiceOnly(action)).map((action) => [action, [action]]))

/** What a user may be given in each service, by the name that roles show. */
const CATALOG: Readonly<Record<ServiceName, ReadonlyMap<string, readonly Action[]>>> = {
  kms: byName(KMS_ACTIONS),
  'cloud-object-storage': new Map(
    Array.from(OBJECT_STORAGE, ([name, actions]) => [`cloud-object-storage.${name}`, actions]),
  ),
  iam: byName(IAM_ACTIONS),
}

/** Undefined when the service has no such action that a user may be given. */
export const actionsNamed = (service: ServiceName, name: string): readonly Action[] | undefined =>
  CATALOG[service].get(name)

/** The names of the service's actions of which all parts are allowed. */
export const namesOfActions = (service: ServiceName, allows: (action: Action) => boolean): readonly string[] =>
  Array.from(CATALOG[service])
    .filter(([, actions]) => actions.every(allows))
    .map(([name]) => name)
