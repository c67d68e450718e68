/**
 * What pages let people do, and the least role that gives the right to it: for the words `Needs Manager on eu-keys`. A policy
 * of the bucket, or a custom role, may give it as well; whether somebody may is asked of the server, and never told from this.
 */
export const RIGHTS = {
  's3:CreateBucket': 'Writer',
  's3:DeleteBucket': 'Writer',
  's3:PutObject': 'Writer',
  's3:DeleteObject': 'Writer',
  's3:PutObjectTagging': 'Writer',
  's3:PutBucketVersioning': 'Writer',
  's3:PutBucketObjectLockConfiguration': 'Writer',
  's3:PutLifecycleConfiguration': 'Writer',
  's3:PutBucketCORS': 'Writer',
  's3:PutBucketTagging': 'Writer',
  's3:PutBucketPolicy': 'Manager',
  's3:PutBucketPublicAccessBlock': 'Manager',
  's3:PutBucketQuota': 'Manager',
  's3:PutEncryptionConfiguration': 'Manager',
  'kms.secrets.create': 'Writer',
  'kms.secrets.rotate': 'Writer',
  'kms.secrets-alias.create': 'Writer',
  'kms.secrets-alias.delete': 'Writer',
  'kms.secrets.disable': 'Manager',
  'kms.secrets.enable': 'Manager',
  'kms.secrets.delete': 'Manager',
  'kms.secrets.restore': 'Manager',
  'kms.policies.write': 'Manager',
  'kms.secrets.purge': 'KeyPurge',
  'user-management.user.invite': 'Administrator',
  'iam-identity.serviceid.create': 'Editor',
  'iam.policy.create': 'Administrator',
} as const

export type Right = keyof typeof RIGHTS
