import { type IamTag, type Tagged, withoutTags, withTags } from '../../../iam/aws/tags.ts'
import { mutablePolicy, POLICY_ARN, policyNamed } from './managed-policies.ts'
import {
  nameOf,
  PAGING,
  paged,
  type QueryCall,
  type QueryOperation,
  resourceOf,
  validation,
} from './query-operation.ts'
import { checkWhole, givenTags, TAGS_TAKEN, tagsGiven, tagXml } from './tag-parameters.ts'

function keysGiven({ form }: QueryCall): readonly string[] {
  const keys = form.list('TagKeys')
  checkWhole(form, 'TagKeys', keys.length)
  return keys
}

interface TaggedKind {
  readonly noun: 'User' | 'Role' | 'Policy'
  /** Parameter that names one. */
  readonly named: string
  readonly resource: QueryOperation['resource']
  readonly find: (call: QueryCall) => Tagged
  readonly change: (call: QueryCall, after: <Row extends Tagged>(row: Row) => Row) => Promise<unknown>
}

const KINDS: readonly TaggedKind[] = [
  {
    ...{ noun: 'User', named: 'UserName', resource: resourceOf('user') },
    find: (call) => call.iam.aws.users.get(call.accountId, nameOf('user', call)),
    change: (call, after) => call.iam.aws.users.change(call.accountId, nameOf('user', call), after),
  },
  {
    ...{ noun: 'Role', named: 'RoleName', resource: resourceOf('role') },
    find: (call) => call.iam.aws.roles.get(call.accountId, nameOf('role', call)),
    change: (call, after) => call.iam.aws.roles.change(call.accountId, nameOf('role', call), after),
  },
  {
    ...{ noun: 'Policy', named: POLICY_ARN, resource: ({ form }) => form.require(POLICY_ARN) },
    find: policyNamed,
    change: (call, after) => call.iam.aws.customerPolicies.change(call.accountId, mutablePolicy(call), after),
  },
]

const operationsOf = ({ noun, named, resource, find, change }: TaggedKind): readonly QueryOperation[] => [
  {
    ...{ name: `Tag${noun}`, api: 'iam', takes: [named, ...TAGS_TAKEN], changes: true, resource, facts: tagsGiven },
    run: async (call) => {
      const tags = givenTags(call)
      if (tags.length === 0) throw validation('The request must contain the parameter Tags.')
      await change(call, (row) => withTags(row, tags))
      return undefined
    },
  },
  {
    ...{ name: `Untag${noun}`, api: 'iam', takes: [named, 'TagKeys.member.N'], changes: true, resource },
    facts: (call) => ({ 'aws:tagkeys': keysGiven(call) }),
    run: async (call) => {
      const keys = keysGiven(call)
      if (keys.length === 0) throw validation('The request must contain the parameter TagKeys.')
      await change(call, (row) => withoutTags(row, keys))
      return undefined
    },
  },
  {
    ...{ name: `List${noun}Tags`, api: 'iam', takes: [named, ...PAGING], resource },
    run: (call) => {
      const keyOf = ({ key }: IamTag): string => key.toLowerCase()
      const tags = [...(find(call).tags ?? [])].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
      const { items, facts } = paged(call, tags, keyOf)
      return { Tags: { member: items.map(tagXml) }, ...facts }
    },
  },
]

export const TAGS: readonly QueryOperation[] = KINDS.flatMap(operationsOf)
