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

/** Of a bucket's policy: does the pattern name any action of S3? */
export const namesS3Action = (pattern: Pattern): boolean =>
  ACTIONS.some((action) => matches(pattern, action, () => undefined, { ignoreCase: true }) === true)
