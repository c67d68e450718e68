import { userKey } from '../keyspace.ts'
import { newAwsId } from '../new-secrets.ts'
import { createIssuerKeys, type FetchIssuerDocument } from '../oidc/issuer-keys.ts'
import type { IssuerRules } from '../oidc/issuer-url.ts'
import { createOidcProviders, type OidcProviders } from '../oidc/providers.ts'
import { type VerifyWebIdentity, webIdentities } from '../oidc/web-identity.ts'
import type { UserId } from '../records.ts'
import type { IamState } from '../state.ts'
import { type AccessKeys, createAccessKeys } from './access-keys.ts'
import { type CustomerPolicies, createCustomerPolicies } from './customer-policies.ts'
import { type AwsDirectory, awsDirectory } from './directory.ts'
import { type AwsGroup, type AwsKind, type AwsRole, type AwsUser, entityKey } from './entity.ts'
import type { Sessions } from './sessions.ts'
import { createUniqueIds, type UniqueIds } from './unique-ids.ts'
import { checkUserArn } from './user-arns.ts'

/** Identities of AWS's kind, which have no rights but those of their policies. */
export interface AwsIdentities {
  readonly users: AwsDirectory<AwsUser>
  readonly groups: AwsDirectory<AwsGroup>
  readonly roles: AwsDirectory<AwsRole>
  readonly accessKeys: AccessKeys
  readonly customerPolicies: CustomerPolicies
  readonly sessions: Sessions
  readonly uniqueIds: UniqueIds
  readonly oidcProviders: OidcProviders
  readonly verifyWebIdentity: VerifyWebIdentity
  readonly newId: (kind: AwsKind) => string
}

/** How identity providers are asked. */
export interface OidcSettings extends IssuerRules {
  readonly fetchDocument: FetchIssuerDocument
}

export function createAwsIdentities(state: IamState, sessions: Sessions, oidc: OidcSettings): AwsIdentities {
  const { users, awsUsers, awsGroups, awsRoles, credentials } = state
  const keysOf = ({ accountId, id }: AwsUser) =>
    [...credentials.values()].filter((row) => row.accountId === accountId && row.iamId === id)
  const membersOf = ({ accountId, id }: AwsGroup) =>
    [...awsUsers.values()].filter((user) => user.accountId === accountId && user.groups.includes(id))
  const exists = ({ accountId, iamId }: UserId): boolean =>
    awsUsers.get(entityKey({ accountId, id: iamId })) !== undefined ||
    users.get(userKey({ accountId, iamId })) !== undefined
  const oidcProviders = createOidcProviders(state, oidc)
  const keys = createIssuerKeys({ fetchDocument: oidc.fetchDocument, rules: oidc, clock: state.clock })
  return {
    customerPolicies: createCustomerPolicies(state),
    uniqueIds: createUniqueIds(state),
    oidcProviders,
    verifyWebIdentity: webIdentities({ providers: oidcProviders, keys, clock: state.clock }),
    users: awsDirectory(state, awsUsers, {
      kind: 'user',
      checkArn: (user) => checkUserArn(state, user),
      blocks: (user) =>
        keysOf(user).length > 0 ? 'access keys' : user.groups.length > 0 ? 'memberships of groups' : undefined,
    }),
    groups: awsDirectory(state, awsGroups, {
      kind: 'group',
      blocks: (group) => (membersOf(group).length > 0 ? 'users of the group' : undefined),
    }),
    roles: awsDirectory(state, awsRoles, { kind: 'role', blocks: () => undefined }),
    accessKeys: createAccessKeys(state, exists),
    sessions,
    newId: newAwsId,
  }
}
