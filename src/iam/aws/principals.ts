import type { AwsIdentity, UserPrincipal } from '../principal.ts'
import type { IamState } from '../state.ts'
import { type AwsUser, arnOf, entityKey } from './entity.ts'

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
    sources: known.length === groups.length ? sources : 'unreadable',
  })
}

const principal = ({ accountId, name }: AwsUser, iamId: string, aws: AwsIdentity): UserPrincipal => ({
  ...{ type: 'user', iamId, accountId, name, email: '', roles: {} },
  aws,
})
