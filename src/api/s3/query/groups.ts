import { type AwsGroup, type AwsUser, arnOf } from '../../../iam/aws/entity.ts'
import { limitExceeded } from '../../../iam/aws/errors.ts'
import { QUOTAS } from '../../../iam/aws/quotas.ts'
import type { XmlObject } from '../xml/encode.ts'
import {
  isoDate,
  nameOf,
  noSuchEntity,
  PAGING,
  paged,
  type QueryCall,
  type QueryOperation,
  resourceOf,
} from './query-operation.ts'
import { renameAndDelete } from './rename-and-delete.ts'
import { userXml } from './users.ts'

const groupXml = (group: AwsGroup): XmlObject => ({
  Path: group.path,
  GroupName: group.name,
  GroupId: group.id,
  Arn: arnOf('group', group),
  CreateDate: isoDate(group.createdAtMs),
})

const resource = resourceOf('group')
const found = (call: QueryCall): AwsGroup => call.iam.aws.groups.get(call.accountId, nameOf('group', call))

async function changeGroups(call: QueryCall, after: (user: AwsUser, groupId: string) => readonly string[]) {
  const { id } = found(call)
  await call.iam.aws.users.change(call.accountId, nameOf('user', call), (user) => ({
    ...user,
    groups: after(user, id),
  }))
  return undefined
}

export const GROUPS: readonly QueryOperation[] = [
  {
    ...{ name: 'CreateGroup', api: 'iam', takes: ['GroupName', 'Path'], changes: true },
    resource: ({ form, accountId }) =>
      arnOf('group', { accountId, path: form.get('Path') ?? '/', name: form.get('GroupName') ?? '' }),
    run: async (call) => {
      const { form, accountId, iam, nowMs } = call
      const group = await iam.aws.groups.create({
        ...{ accountId, id: iam.aws.newId('group'), name: nameOf('group', call), path: form.get('Path') ?? '/' },
        ...{ createdAtMs: nowMs, policies: [], attached: [] },
      })
      return { Group: groupXml(group) }
    },
  },
  {
    ...{ name: 'GetGroup', api: 'iam', takes: ['GroupName', ...PAGING], resource },
    run: (call) => {
      const group = found(call)
      const members = call.iam.aws.users.list(call.accountId).filter(({ groups }) => groups.includes(group.id))
      const { items, facts } = paged(call, members, ({ name }) => name.toLowerCase())
      return { Group: groupXml(group), Users: { member: items.map(userXml) }, ...facts }
    },
  },
  {
    ...{ name: 'ListGroups', api: 'iam', takes: ['PathPrefix', ...PAGING], resource },
    run: (call) => {
      const prefix = call.form.get('PathPrefix') ?? '/'
      const groups = call.iam.aws.groups.list(call.accountId).filter(({ path }) => path.startsWith(prefix))
      const { items, facts } = paged(call, groups, ({ name }) => name.toLowerCase())
      return { Groups: { member: items.map(groupXml) }, ...facts }
    },
  },
  {
    ...{ name: 'ListGroupsForUser', api: 'iam', takes: ['UserName', ...PAGING], resource: resourceOf('user') },
    run: (call) => {
      const user = call.iam.aws.users.get(call.accountId, nameOf('user', call))
      const groups = call.iam.aws.groups.list(call.accountId).filter(({ id }) => user.groups.includes(id))
      const { items, facts } = paged(call, groups, ({ name }) => name.toLowerCase())
      return { Groups: { member: items.map(groupXml) }, ...facts }
    },
  },
  ...renameAndDelete('group', ({ iam }) => iam.aws.groups),
  {
    ...{ name: 'AddUserToGroup', api: 'iam', takes: ['GroupName', 'UserName'], changes: true, resource },
    run: (call) =>
      changeGroups(call, ({ groups }, id) => {
        if (groups.includes(id)) return groups
        if (groups.length >= QUOTAS.groupsPerUser) {
          throw limitExceeded(`Cannot exceed quota for GroupsPerUser: ${QUOTAS.groupsPerUser}`)
        }
        return [...groups, id]
      }),
  },
  {
    ...{ name: 'RemoveUserFromGroup', api: 'iam', takes: ['GroupName', 'UserName'], changes: true, resource },
    run: (call) =>
      changeGroups(call, ({ groups, name }, id) => {
        if (!groups.includes(id)) throw noSuchEntity(`User ${name} is not in the group.`)
        return groups.filter((one) => one !== id)
      }),
  },
]
