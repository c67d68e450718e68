import { accountArn } from '../../../access/requester.ts'
import { QUOTAS } from '../../../iam/aws/quotas.ts'
import type { QueryOperation } from './query-operation.ts'

export const ACCOUNT: readonly QueryOperation[] = [
  {
    ...{ name: 'GetAccountSummary', api: 'iam', takes: [] },
    resource: ({ accountId }) => accountArn(accountId),
    run: ({ iam, accountId }) => {
      const summary = {
        Users: iam.aws.users.list(accountId).length,
        UsersQuota: QUOTAS.user.entities,
        Groups: iam.aws.groups.list(accountId).length,
        GroupsQuota: QUOTAS.group.entities,
        Roles: iam.aws.roles.list(accountId).length,
        RolesQuota: QUOTAS.role.entities,
        Policies: iam.aws.customerPolicies.list(accountId).length,
        PoliciesQuota: QUOTAS.policies,
        PolicySizeQuota: QUOTAS.managedPolicyCharacters,
        VersionsPerPolicyQuota: QUOTAS.versionsPerPolicy,
        Providers: iam.aws.oidcProviders.list(accountId).length,
        AccessKeysPerUserQuota: QUOTAS.accessKeysPerUser,
        GroupsPerUserQuota: QUOTAS.groupsPerUser,
        AttachedPoliciesPerUserQuota: QUOTAS.attachedPolicies,
        AttachedPoliciesPerGroupQuota: QUOTAS.attachedPolicies,
        AttachedPoliciesPerRoleQuota: QUOTAS.attachedPolicies,
        UserPolicySizeQuota: QUOTAS.user.policyCharacters,
        GroupPolicySizeQuota: QUOTAS.group.policyCharacters,
        RolePolicySizeQuota: QUOTAS.role.policyCharacters,
      }
      return { SummaryMap: { entry: Object.entries(summary).map(([key, value]) => ({ key, value })) } }
    },
  },
]
