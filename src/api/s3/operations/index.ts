import type { S3Operation } from '../operation.ts'
import { abortMultipartUpload } from './abort-multipart-upload.ts'
import { addLegalHold } from './add-legal-hold.ts'
import { completeMultipartUpload } from './complete-multipart-upload.ts'
import { copyObject } from './copy-object.ts'
import { createBucket } from './create-bucket.ts'
import { createMultipartUpload } from './create-multipart-upload.ts'
import { deleteBucket } from './delete-bucket.ts'
import { deleteBucketAnalyticsConfiguration } from './delete-bucket-analytics-configuration.ts'
import { deleteBucketCors } from './delete-bucket-cors.ts'
import { deleteBucketEncryption } from './delete-bucket-encryption.ts'
import { deleteBucketIntelligentTieringConfiguration } from './delete-bucket-intelligent-tiering-configuration.ts'
import { deleteBucketInventoryConfiguration } from './delete-bucket-inventory-configuration.ts'
import { deleteBucketLifecycle } from './delete-bucket-lifecycle.ts'
import { deleteBucketMetricsConfiguration } from './delete-bucket-metrics-configuration.ts'
import { deleteBucketOwnershipControls } from './delete-bucket-ownership-controls.ts'
import { deleteBucketPolicy } from './delete-bucket-policy.ts'
import { deleteBucketReplication } from './delete-bucket-replication.ts'
import { deleteBucketTagging } from './delete-bucket-tagging.ts'
import { deleteBucketWebsite } from './delete-bucket-website.ts'
import { deleteLegalHold } from './delete-legal-hold.ts'
import { deleteObject } from './delete-object.ts'
import { deleteObjectTagging } from './delete-object-tagging.ts'
import { deleteObjects } from './delete-objects.ts'
import { deletePublicAccessBlock } from './delete-public-access-block.ts'
import { extendObjectRetention } from './extend-object-retention.ts'
import { getBucketAccelerateConfiguration } from './get-bucket-accelerate-configuration.ts'
import { getBucketAcl } from './get-bucket-acl.ts'
import { getBucketAnalyticsConfiguration } from './get-bucket-analytics-configuration.ts'
import { getBucketCors } from './get-bucket-cors.ts'
import { getBucketEncryption } from './get-bucket-encryption.ts'
import { getBucketIntelligentTieringConfiguration } from './get-bucket-intelligent-tiering-configuration.ts'
import { getBucketInventoryConfiguration } from './get-bucket-inventory-configuration.ts'
import { getBucketLifecycleConfiguration } from './get-bucket-lifecycle-configuration.ts'
import { getBucketLocation } from './get-bucket-location.ts'
import { getBucketLogging } from './get-bucket-logging.ts'
import { getBucketMetricsConfiguration } from './get-bucket-metrics-configuration.ts'
import { getBucketNotificationConfiguration } from './get-bucket-notification-configuration.ts'
import { getBucketOwnershipControls } from './get-bucket-ownership-controls.ts'
import { getBucketPolicy } from './get-bucket-policy.ts'
import { getBucketPolicyStatus } from './get-bucket-policy-status.ts'
import { getBucketProtectionConfiguration } from './get-bucket-protection-configuration.ts'
import { getBucketReplication } from './get-bucket-replication.ts'
import { getBucketRequestPayment } from './get-bucket-request-payment.ts'
import { getBucketTagging } from './get-bucket-tagging.ts'
import { getBucketVersioning } from './get-bucket-versioning.ts'
import { getBucketWebsite } from './get-bucket-website.ts'
import { getObject } from './get-object.ts'
import { getObjectAcl } from './get-object-acl.ts'
import { getObjectAttributes } from './get-object-attributes.ts'
import { getObjectLegalHold } from './get-object-legal-hold.ts'
import { getObjectLockConfiguration } from './get-object-lock-configuration.ts'
import { getObjectRetention } from './get-object-retention.ts'
import { getObjectTagging } from './get-object-tagging.ts'
import { getPublicAccessBlock } from './get-public-access-block.ts'
import { headBucket } from './head-bucket.ts'
import { headObject } from './head-object.ts'
import { listBucketAnalyticsConfigurations } from './list-bucket-analytics-configurations.ts'
import { listBucketIntelligentTieringConfigurations } from './list-bucket-intelligent-tiering-configurations.ts'
import { listBucketInventoryConfigurations } from './list-bucket-inventory-configurations.ts'
import { listBucketMetricsConfigurations } from './list-bucket-metrics-configurations.ts'
import { listBuckets } from './list-buckets.ts'
import { listLegalHolds } from './list-legal-holds.ts'
import { listMultipartUploads } from './list-multipart-uploads.ts'
import { listObjectVersions } from './list-object-versions.ts'
import { listObjects } from './list-objects.ts'
import { listObjectsV2 } from './list-objects-v2.ts'
import { listParts } from './list-parts.ts'
import { postObject } from './post-object.ts'
import { putBucketAccelerateConfiguration } from './put-bucket-accelerate-configuration.ts'
import { putBucketAcl } from './put-bucket-acl.ts'
import { putBucketAnalyticsConfiguration } from './put-bucket-analytics-configuration.ts'
import { putBucketCors } from './put-bucket-cors.ts'
import { putBucketEncryption } from './put-bucket-encryption.ts'
import { putBucketIntelligentTieringConfiguration } from './put-bucket-intelligent-tiering-configuration.ts'
import { putBucketInventoryConfiguration } from './put-bucket-inventory-configuration.ts'
import { putBucketLifecycleConfiguration } from './put-bucket-lifecycle-configuration.ts'
import { putBucketLogging } from './put-bucket-logging.ts'
import { putBucketMetricsConfiguration } from './put-bucket-metrics-configuration.ts'
import { putBucketNotificationConfiguration } from './put-bucket-notification-configuration.ts'
import { putBucketOwnershipControls } from './put-bucket-ownership-controls.ts'
import { putBucketPolicy } from './put-bucket-policy.ts'
import { putBucketProtectionConfiguration } from './put-bucket-protection-configuration.ts'
import { putBucketReplication } from './put-bucket-replication.ts'
import { putBucketRequestPayment } from './put-bucket-request-payment.ts'
import { putBucketTagging } from './put-bucket-tagging.ts'
import { putBucketVersioning } from './put-bucket-versioning.ts'
import { putBucketWebsite } from './put-bucket-website.ts'
import { putObject } from './put-object.ts'
import { putObjectAcl } from './put-object-acl.ts'
import { putObjectLegalHold } from './put-object-legal-hold.ts'
import { putObjectLockConfiguration } from './put-object-lock-configuration.ts'
import { putObjectRetention } from './put-object-retention.ts'
import { putObjectTagging } from './put-object-tagging.ts'
import { putPublicAccessBlock } from './put-public-access-block.ts'
import { renameObject } from './rename-object.ts'
import { restoreObject } from './restore-object.ts'
import { updateObjectEncryption } from './update-object-encryption.ts'
import { uploadPart } from './upload-part.ts'
import { uploadPartCopy } from './upload-part-copy.ts'

/** Every S3 operation that Coffer serves: its file and its line here. */
export const OPERATIONS: readonly S3Operation[] = [
  abortMultipartUpload,
  addLegalHold,
  completeMultipartUpload,
  copyObject,
  createBucket,
  createMultipartUpload,
  deleteBucket,
  deleteLegalHold,
  deleteBucketAnalyticsConfiguration,
  deleteBucketCors,
  deleteBucketEncryption,
  deleteBucketIntelligentTieringConfiguration,
  deleteBucketInventoryConfiguration,
  deleteBucketLifecycle,
  deleteBucketMetricsConfiguration,
  deleteBucketOwnershipControls,
  deleteBucketPolicy,
  deleteBucketReplication,
  deleteBucketTagging,
  deleteBucketWebsite,
  deleteObject,
  extendObjectRetention,
  deleteObjectTagging,
  deleteObjects,
  deletePublicAccessBlock,
  getBucketAccelerateConfiguration,
  getBucketAcl,
  getBucketAnalyticsConfiguration,
  getBucketCors,
  getBucketEncryption,
  getBucketIntelligentTieringConfiguration,
  getBucketInventoryConfiguration,
  getBucketLifecycleConfiguration,
  getBucketLocation,
  getBucketProtectionConfiguration,
  getBucketLogging,
  getBucketMetricsConfiguration,
  getBucketNotificationConfiguration,
  getBucketOwnershipControls,
  getBucketPolicy,
  getBucketPolicyStatus,
  getBucketReplication,
  getBucketRequestPayment,
  getBucketTagging,
  getBucketVersioning,
  getBucketWebsite,
  getObject,
  getObjectAcl,
  getObjectAttributes,
  getObjectLegalHold,
  getObjectLockConfiguration,
  getObjectRetention,
  getObjectTagging,
  getPublicAccessBlock,
  headBucket,
  headObject,
  listBucketAnalyticsConfigurations,
  listBucketIntelligentTieringConfigurations,
  listBucketInventoryConfigurations,
  listBucketMetricsConfigurations,
  listBuckets,
  listLegalHolds,
  listMultipartUploads,
  listObjectVersions,
  listObjects,
  listObjectsV2,
  listParts,
  postObject,
  putBucketAccelerateConfiguration,
  putBucketAcl,
  putBucketAnalyticsConfiguration,
  putBucketCors,
  putBucketProtectionConfiguration,
  putBucketEncryption,
  putBucketIntelligentTieringConfiguration,
  putBucketInventoryConfiguration,
  putBucketLifecycleConfiguration,
  putBucketLogging,
  putBucketMetricsConfiguration,
  putBucketNotificationConfiguration,
  putBucketOwnershipControls,
  putBucketPolicy,
  putBucketReplication,
  putBucketRequestPayment,
  putBucketTagging,
  putBucketVersioning,
  putBucketWebsite,
  putObject,
  putObjectAcl,
  putObjectLegalHold,
  putObjectLockConfiguration,
  putObjectRetention,
  putObjectTagging,
  putPublicAccessBlock,
  renameObject,
  restoreObject,
  updateObjectEncryption,
  uploadPart,
  uploadPartCopy,
]
