import type { AwsIdentity, Federated, UserPrincipal } from '../principal.ts'
import type { IamState } from '../state.ts'
import { type AwsRole, type AwsUser, arnOf, entityKey } from './entity.ts'

/** With the policies of now. A group that cannot be read may have denied something: then nothing is allowed. */
export function awsUserPrincipal({ awsGroups }: Pick<IamState, 'awsGroups'>, user: AwsUser): UserPrincipal {
  const groups = user.groups.map((id) => awsGroups.get(entityKey({ accountId: user.accountId, id })))
  const known = groups.filter((group) => group !== undefined)
  const sources = [
    { of: `user ${user.name}`, policies: user.policies, attached: user.attached },
    ...known.map(({ name, policies, attached }) => ({ of: `group ${name}`, policies, attached })),
  ]
  return principal(user, user.id, {
    kind: 'user',
    name: user.name,
    arns: [arnOf('user', user)],
    ids: [user.id],
    sources: known.length === groups.length ? sources : 'unreadable',
  })
}

export interface RoleSession {
  readonly name: string
  readonly policies: readonly string[]
  /** ARNs. */
  readonly managed: readonly string[]
  readonly federated?: Federated | undefined
}

export function awsRolePrincipal(role: AwsRole, session: RoleSession): UserPrincipal {
  const { accountId, name, policies, attached } = role
  return principal(role, `${role.id}:${session.name}`, {
    kind: 'role',
    name,
    arns: [`arn:aws:sts::${accountId}:assumed-role/${name}/${session.name}`, arnOf('role', role)],
    ids: [`${role.id}:${session.name}`, role.id],
    sources: [{ of: `role ${name}`, policies, attached }],
    session: { policies: session.policies, managed: session.managed },
    ...(session.federated ? { federated: session.federated } : {}),
  })
}

const principal = ({ accountId, name }: AwsUser | AwsRole, iamId: string, aws: AwsIdentity): UserPrincipal => ({
  ...{ type: 'user', iamId, accountId, name, email: '', roles: {} },
  aws,
})
