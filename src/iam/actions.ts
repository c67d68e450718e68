/**
 * Key Protect's actions under the names its audit events carry. Who may do what is in `kms-roles.ts`.
 * Purging needs the role KeyPurge, which no other role includes.
 */
export const KMS_ACTIONS = [
  'kms.secrets.create',
  'kms.secrets.list',
  'kms.secrets.head',
  'kms.secrets.read',
  'kms.secrets-metadata.read',
  'kms.secrets-key-versions.list',
  'kms.secrets.patch',
  'kms.secrets.delete',
  'kms.secrets.purge',
  'kms.secrets.restore',
  'kms.secrets.wrap',
  'kms.secrets.unwrap',
  'kms.secrets.rewrap',
  'kms.secrets.rotate',
  'kms.secrets.disable',
  'kms.secrets.enable',
  'kms.secrets.setkeyfordeletion',
  'kms.secrets.unsetkeyfordeletion',
  'kms.secrets.sync',
  'kms.secrets-event.ack',
  'kms.secrets-alias.create',
  'kms.secrets-alias.delete',
  'kms.key-rings.create',
  'kms.key-rings.list',
  'kms.key-rings.delete',
  'kms.policies.read',
  'kms.policies.write',
  'kms.instance-policies.read',
  'kms.instance-policies.write',
  'kms.import-token.create',
  'kms.import-token.read',
  'kms.registrations.list',
  'kms.registrations.create',
  'kms.registrations.write',
  'kms.registrations.delete',
] as const
export type KmsAction = (typeof KMS_ACTIONS)[number]

export const IAM_ACTIONS = [
  'iam.policy.read',
  'iam.policy.create',
  'iam.policy.update',
  'iam.policy.delete',
  /** Obtaining a token that acts as a service for one of the account's instances. */
  'iam.service-token.create',
] as const
export type IamAction = (typeof IAM_ACTIONS)[number]

export type Action = `s3:${string}` | KmsAction | IamAction
