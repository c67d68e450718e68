import type { AttachedPolicy, AwsIdentity, Federated, SessionTag, UserPrincipal } from '../principal.ts'
import type { IamState } from '../state.ts'
import { policyKeyOf } from './customer-policy.ts'
import { type AwsRole, type AwsUser, arnOf, type Bounded, entityKey } from './entity.ts'
import { principalTags } from './session-tags.ts'
import type { Tagged } from './tags.ts'

/** With the policies of now. A group that cannot be read may have denied something: then nothing is allowed. */
export function awsUserPrincipal(
  { awsGroups, awsPolicies }: Pick<IamState, 'awsGroups' | 'awsPolicies'>,
  user: AwsUser,
): UserPrincipal {
  const managed = attachedOf(awsPolicies, user.accountId)
  const groups = user.groups.map((id) => awsGroups.get(entityKey({ accountId: user.accountId, id })))
  const known = groups.filter((group) => group !== undefined)
  const sources = [
    { of: `user ${user.name}`, policies: user.policies, attached: managed(user.attached) },
    ...known.map(({ name, policies, attached }) => ({ of: `group ${name}`, policies, attached: managed(attached) })),
  ]
  return principal(user, user.id, {
    kind: 'user',
    name: user.name,
    arns: [arnOf('user', user)],
    ids: [user.id],
    sources: known.length === groups.length ? sources : 'unreadable',
    ...boundaryOf(user, managed),
    ...tagsFor(user),
  })
}

export interface RoleSession {
  readonly name: string
  readonly policies: readonly string[]
  /** ARNs. */
  readonly managed: readonly string[]
  readonly federated?: Federated | undefined
  readonly tags?: readonly SessionTag[] | undefined
}

export function awsRolePrincipal(
  { awsPolicies }: Pick<IamState, 'awsPolicies'>,
  role: AwsRole,
  session: RoleSession,
): UserPrincipal {
  const { accountId, name, policies, attached } = role
  const managed = attachedOf(awsPolicies, accountId)
  return principal(role, `${role.id}:${session.name}`, {
    kind: 'role',
    name,
    arns: [`arn:aws:sts::${accountId}:assumed-role/${name}/${session.name}`, arnOf('role', role)],
    ids: [`${role.id}:${session.name}`, role.id],
    sources: [{ of: `role ${name}`, policies, attached: managed(attached) }],
    ...boundaryOf(role, managed),
    session: {
      ...{ policies: session.policies, managed: managed(session.managed) },
      ...(session.tags ? { tags: session.tags } : {}),
    },
    ...(session.federated ? { federated: session.federated } : {}),
    ...tagsFor(role, session.tags),
  })
}

function tagsFor({ tags: own }: Tagged, session?: readonly SessionTag[]): Pick<AwsIdentity, 'tags'> {
  const tags = principalTags(own, session)
  return tags.length > 0 ? { tags } : {}
}

function boundaryOf({ boundary }: Bounded, managed: (arns: readonly string[]) => readonly AttachedPolicy[]) {
  const [one] = boundary === undefined ? [] : managed([boundary])
  return one ? { boundary: one } : {}
}

const attachedOf =
  (awsPolicies: IamState['awsPolicies'], accountId: string) =>
  (arns: readonly string[]): AttachedPolicy[] =>
    arns.map((arn) => {
      const policy = awsPolicies.get(policyKeyOf(accountId, arn) ?? '')
      const version = policy?.versions.find(({ number }) => number === policy.defaultVersion)
      return version ? { arn, document: version.document } : { arn }
    })

const principal = ({ accountId, name }: AwsUser | AwsRole, iamId: string, aws: AwsIdentity): UserPrincipal => ({
  ...{ type: 'user', iamId, accountId, name, email: '', roles: {} },
  aws,
})
