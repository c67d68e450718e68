/**
 * Key Protect's actions under the names its audit events carry. Who may do what is in `kms-roles.ts`.
 * Purging needs the role KeyPurge, which no other role includes.
 */
export const KMS_ACTIONS = [
  'kms.secrets.create',
  'kms.secrets-with-policy-overrides.create',
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
  'kms.instance-allowed-ip-port.read',
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
  'iam.role.read',
  'iam.role.create',
  'iam.role.update',
  'iam.role.delete',
  /** Making an authorization that hands on what the caller itself was given. */
  'iam.delegation-policy.create',
  'iam.delegation-policy.update',
  /** Obtaining a token that acts as a service for one of the account's instances. */
  'iam.service-token.create',
  /** All that was done in the account, and by whom. */
  'iam.audit-log.read',
  'iam-identity.serviceid.get',
  'iam-identity.serviceid.create',
  'iam-identity.serviceid.update',
  'iam-identity.serviceid.delete',
  'iam-identity.apikey.get',
  /** Of others: one's own need no right. */
  'iam-identity.apikey.manage',
  'iam-identity.signing-key.get',
  'iam-identity.signing-key.rotate',
  'user-management.user.retrieve',
  'user-management.user.invite',
  'user-management.user.update',
  'user-management.user.delete',
  'resource-controller.instance.retrieve',
  'resource-controller.instance.create',
  'resource-controller.instance.update',
  'resource-controller.instance.delete',
  'resource-controller.credential.retrieve',
  /** With its secrets. */
  'resource-controller.credential.retrieve_all',
  'resource-controller.credential.create',
  'resource-controller.credential.update',
  'resource-controller.credential.delete',
] as const
export type IamAction = (typeof IAM_ACTIONS)[number]

export type Action = `s3:${string}` | KmsAction | IamAction
