import { matches, type Pattern } from './pattern.ts'

/** Actions of S3, without `s3:`. A policy for a bucket may name these and no others. */
const ACTIONS = [
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

const OF_OBJECTS: ReadonlySet<string> = new Set(
  [
    'AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectTagging DeleteObjectVersion',
    'DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention',
    'GetObjectTagging GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes',
    'GetObjectVersionForReplication GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication',
    'ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl PutObjectLegalHold',
    'PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging RenameObject ReplicateDelete',
    'ReplicateObject ReplicateTags RestoreObject UpdateObjectEncryption',
  ].flatMap((line) => line.split(' ').map((name) => `s3:${name}`)),
)
/** Of accounts, access points and the like: no policy of a bucket gives them. */
const OF_NEITHER =
  /^s3:(ListAllMyBuckets|CreateJob|CreateStorageLensGroup|.*(AccountPublic|AccessGrant|AccessPoint).*)$/

/** `resource`: an ARN in a bucket's policy. Is it a bucket's, an object's, or, by its wildcard, both? */
export function canBeDoneTo(action: Pattern, resource: string): boolean {
  const objects = resource.includes('/')
  const both = !objects && resource.includes('*')
  return ACTIONS.some((name) => {
    if (OF_NEITHER.test(name) || !(both || OF_OBJECTS.has(name) === objects)) return false
    return matches(action, name, () => undefined, { ignoreCase: true }) === true
  })
}

/** Of a bucket's policy: does the pattern name any action of S3? */
export const namesS3Action = (pattern: Pattern): boolean =>
  ACTIONS.some((action) => matches(pattern, action, () => undefined, { ignoreCase: true }) === true)
