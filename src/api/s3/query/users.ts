import { accountArn } from '../../../access/requester.ts'
import { type AwsUser, arnOf } from '../../../iam/aws/entity.ts'
import { identityArn, isAccountItself } from '../access/requester.ts'
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

export const userXml = (user: AwsUser): XmlObject => ({
  Path: user.path,
  UserName: user.name,
  UserId: user.id,
  Arn: arnOf('user', user),
  CreateDate: isoDate(user.createdAtMs),
})

const resource = resourceOf('user')

export const USERS: readonly QueryOperation[] = [
  {
    ...{ name: 'CreateUser', api: 'iam', takes: ['UserName', 'Path'], changes: true },
    resource: ({ form, accountId }) =>
      arnOf('user', { accountId, path: form.get('Path') ?? '/', name: form.get('UserName') ?? '' }),
    run: async (call) => {
      const { form, accountId, iam, nowMs } = call
      const user = await iam.aws.users.create({
        ...{ accountId, id: iam.aws.newId('user'), name: nameOf('user', call), path: form.get('Path') ?? '/' },
        ...{ createdAtMs: nowMs, policies: [], attached: [], groups: [] },
      })
      return { User: userXml(user) }
    },
  },
  {
    ...{ name: 'GetUser', api: 'iam', takes: ['UserName'], resource },
    run: (call) => ({ User: call.form.get('UserName') === undefined ? selfXml(call) : userXml(found(call)) }),
  },
  {
    ...{ name: 'ListUsers', api: 'iam', takes: ['PathPrefix', ...PAGING], resource },
    run: (call) => {
      const prefix = call.form.get('PathPrefix') ?? '/'
      const users = call.iam.aws.users.list(call.accountId).filter(({ path }) => path.startsWith(prefix))
      const { items, facts } = paged(call, users, ({ name }) => name.toLowerCase())
      return { Users: { member: items.map(userXml) }, ...facts }
    },
  },
  {
    ...{ name: 'UpdateUser', api: 'iam', takes: ['UserName', 'NewUserName', 'NewPath'], changes: true, resource },
    becomes: (call) => arnOf('user', renamed(call)),
    run: async (call) => {
      // As it was when the permission was asked for.
      const { id, name, path } = renamed(call)
      await call.iam.aws.users.change(call.accountId, nameOf('user', call), (user) => {
        if (user.id !== id) throw noSuchEntity('The user was changed at the same time.')
        return { ...user, name, path }
      })
      return undefined
    },
  },
  {
    ...{ name: 'DeleteUser', api: 'iam', takes: ['UserName'], changes: true, resource },
    run: async (call) => {
      await call.iam.aws.users.remove(call.accountId, nameOf('user', call))
      return undefined
    },
  },
]

const found = (call: QueryCall): AwsUser => call.iam.aws.users.get(call.accountId, nameOf('user', call))

/** Who has no user of AWS's kind is what AWS calls root, or has the name that policies know. */
function selfXml({ principal, accountId, iam }: QueryCall): XmlObject {
  if (principal.aws) return userXml(iam.aws.users.get(accountId, principal.aws.name))
  const isRoot = isAccountItself(principal, iam)
  const addedAtMs = principal.type === 'user' ? iam.people.get(principal).addedAtMs : undefined
  return {
    Path: '/',
    UserName: principal.name,
    UserId: isRoot ? accountId : principal.iamId,
    Arn: isRoot ? accountArn(accountId) : identityArn(accountId, principal.iamId),
    // Of who was declared nobody knows when.
    CreateDate: isoDate(addedAtMs ?? 0),
  }
}

/** With the name and the path that are asked for. */
function renamed(call: QueryCall): AwsUser {
  const user = found(call)
  return { ...user, name: call.form.get('NewUserName') ?? user.name, path: call.form.get('NewPath') ?? user.path }
}
