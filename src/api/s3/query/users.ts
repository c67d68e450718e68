import { accountArn } from '../../../access/requester.ts'
import { type AwsUser, arnOf } from '../../../iam/aws/entity.ts'
import { identityArn, isAccountItself } from '../access/requester.ts'
import type { XmlObject } from '../xml/encode.ts'
import { BOUNDARY, boundaryFact, boundaryXml, newBoundary } from './boundaries.ts'
import {
  isoDate,
  nameOf,
  notAUser,
  PAGING,
  paged,
  type QueryCall,
  type QueryOperation,
  resourceOf,
  userOrSelf,
} from './query-operation.ts'
import { renameAndDelete } from './rename-and-delete.ts'
import { needsToTag, newTags, TAGS_TAKEN, tagsGiven, tagsXml } from './tag-parameters.ts'

export const userXml = (user: AwsUser): XmlObject => ({
  Path: user.path,
  UserName: user.name,
  UserId: user.id,
  Arn: arnOf('user', user),
  CreateDate: isoDate(user.createdAtMs),
})

/** As one alone is shown, and as AWS does not list them. */
const fullXml = (user: AwsUser): XmlObject => ({ ...userXml(user), ...boundaryXml(user), ...tagsXml(user) })

const resource = resourceOf('user')

export const USERS: readonly QueryOperation[] = [
  {
    ...{ name: 'CreateUser', api: 'iam', takes: ['UserName', 'Path', BOUNDARY, ...TAGS_TAKEN], changes: true },
    facts: (call) => ({ ...boundaryFact(call), ...tagsGiven(call) }),
    alsoNeeds: needsToTag('TagUser'),
    resource: ({ form, accountId }) =>
      arnOf('user', { accountId, path: form.get('Path') ?? '/', name: form.get('UserName') ?? '' }),
    run: async (call) => {
      const { form, accountId, iam, nowMs } = call
      const user = await iam.aws.users.create({
        ...{ accountId, id: iam.aws.newId('user'), name: nameOf('user', call), path: form.get('Path') ?? '/' },
        ...{ createdAtMs: nowMs, policies: [], attached: [], groups: [], ...newBoundary(call), ...newTags(call) },
      })
      return { User: fullXml(user) }
    },
  },
  {
    ...{ name: 'GetUser', api: 'iam', takes: ['UserName'], resource: userOrSelf },
    run: (call) => ({ User: call.form.get('UserName') === undefined ? selfXml(call) : fullXml(found(call)) }),
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
  ...renameAndDelete('user', ({ iam }) => iam.aws.users),
]

const found = (call: QueryCall): AwsUser => call.iam.aws.users.get(call.accountId, nameOf('user', call))

/** Who has no user of AWS's kind is what AWS calls root, or has the name that policies know. */
function selfXml({ principal, accountId, iam }: QueryCall): XmlObject {
  if (principal.aws?.kind === 'role') throw notAUser()
  if (principal.aws) return fullXml(iam.aws.users.get(accountId, principal.aws.name))
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
