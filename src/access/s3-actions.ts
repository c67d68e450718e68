import { matches, type Pattern } from './pattern.ts'

/** Actions of S3, without `s3:`. A policy for a bucket may name these and no others. */
export const ACTIONS: readonly string[] = [
  'AbortMultipartUpload AssociateAccessGrantsIdentityCenter BypassGovernanceRetention CreateAccessGrant',
  'CreateAccessGrantsInstance CreateAccessGrantsLocation CreateAccessPoint CreateAccessPointForObjectLambda CreateBucket',
  'CreateBucketMetadataTableConfiguration CreateJob CreateMultiRegionAccessPoint CreateStorageLensGroup DeleteAccessPoint',
  'DeleteAccessPointPolicy DeleteBucket DeleteBucketMetadataTableConfiguration DeleteBucketOwnershipControls',
  'DeleteBucketPolicy DeleteBucketWebsite DeleteObject DeleteObjectTagging DeleteObjectVersion',
  'DeleteObjectVersionTagging GetAccelerateConfiguration GetAccessPoint GetAccountPublicAccessBlock',
  'GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging',
  'GetBucketMetadataTableConfiguration GetBucketNotification GetBucketObjectLockConfiguration',
  'GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock GetBucketRequestPayment',
  'GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration',
  'GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration',
  'GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectTorrent',
  'GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes GetObjectVersionForReplication',
  'GetObjectVersionTagging GetObjectVersionTorrent GetReplicationConfiguration InitiateReplication ListAllMyBuckets',
  'ListBucket ListBucketMultipartUploads ListBucketVersions ListMultipartUploadParts ListTagsForResource',
  'ObjectOwnerOverrideToBucketOwner PauseReplication PostBucketLogging PutAccelerateConfiguration',
  'PutAccountPublicAccessBlock PutAnalyticsConfiguration PutBucketAbac PutBucketAcl PutBucketCORS PutBucketLogging',
  'PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy',
  'PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite',
  'PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration',
  'PutLifecycleConfiguration PutMetricsConfiguration PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention',
  'PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging PutReplicationConfiguration RenameObject ReplicateDelete',
  'ReplicateObject ReplicateTags RestoreObject TagResource UntagResource UpdateBucketMetadataInventoryTableConfiguration',
  'UpdateBucketMetadataJournalTableConfiguration UpdateObjectEncryption',
].flatMap((line) => line.split(' ').map((name) => `s3:${name}`))

/**
 * Actions on objects, without `s3:`. In a bucket with ACLs an object may be another account's: reading it, and its ACL, is
 * its owner's to give, and the rest the bucket owner's, too.
 */
const OBJECT_ACTIONS = {
  reading: [
    'GetObject GetObjectAttributes GetObjectTorrent GetObjectVersion GetObjectVersionAttributes GetObjectVersionTorrent',
  ],
  /** Takes the right to read, too, and is not given along with it. */
  replicating: ['GetObjectVersionForReplication InitiateReplication'],
  acl: ['GetObjectAcl GetObjectVersionAcl PutObjectAcl PutObjectVersionAcl'],
  bucketOwner: [
    'AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectTagging DeleteObjectVersion',
    'DeleteObjectVersionTagging GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectVersionTagging',
    'ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner PutObject PutObjectLegalHold PutObjectRetention',
    'PutObjectTagging PutObjectVersionTagging RenameObject ReplicateDelete ReplicateObject ReplicateTags RestoreObject',
    'UpdateObjectEncryption',
    // IBM's, which policies of buckets do not name.
    'AddLegalHold ExtendObjectRetention ListLegalHolds',
  ],
} as const
export type ObjectRight = keyof typeof OBJECT_ACTIONS

const RIGHTS: ReadonlyMap<string, ObjectRight> = new Map(
  (['reading', 'replicating', 'acl', 'bucketOwner'] as const).flatMap((right) =>
    OBJECT_ACTIONS[right].flatMap((line) => line.split(' ').map((name) => [`s3:${name}`, right] as const)),
  ),
)

/** Undefined: no action that is known to be one on objects. `action` with `s3:`. */
export const objectRight = (action: string): ObjectRight | undefined => RIGHTS.get(action)

/** Of accounts, access points and the like: no policy of a bucket gives them. */
const OF_NEITHER =
  /^s3:(ListAllMyBuckets|CreateJob|CreateStorageLensGroup|.*(AccountPublic|AccessGrant|AccessPoint).*)$/

/** `resource`: an ARN in a bucket's policy. Is it a bucket's, an object's, or, by its wildcard, both? */
export function canBeDoneTo(action: Pattern, resource: string): boolean {
  const objects = resource.includes('/')
  const both = !objects && resource.includes('*')
  return ACTIONS.some((name) => {
    if (OF_NEITHER.test(name) || !(both || RIGHTS.has(name) === objects)) return false
    return matches(action, name, () => undefined, { ignoreCase: true }) === true
  })
}

/** Of a bucket's policy: does the pattern name any action of S3? */
export const namesS3Action = (pattern: Pattern): boolean =>
  ACTIONS.some((action) => matches(pattern, action, () => undefined, { ignoreCase: true }) === true)
