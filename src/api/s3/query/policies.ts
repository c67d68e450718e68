import { managedPolicyName, managedPolicyPath } from '../../../access/managed-policies.ts'
import { parseNewPolicy } from '../../../access/policy.ts'
import type { AwsDirectory } from '../../../iam/aws/directory.ts'
import type { AwsEntity, AwsKind, Bounded } from '../../../iam/aws/entity.ts'
import { withAttached, withInlinePolicy } from '../../../iam/aws/quotas.ts'
import { boundaryOf } from './boundaries.ts'
import { checkAttachable } from './managed-policies.ts'
import {
  type CallFacts,
  checkedName,
  nameOf,
  noSuchEntity,
  PAGING,
  paged,
  type QueryCall,
  type QueryOperation,
  resourceOf,
} from './query-operation.ts'

type Row<Kind extends AwsKind> = ReturnType<QueryCall['iam']['aws'][`${Kind}s`]['get']>

/** Policies within an identity, and managed ones attached to it. */
function policiesOf<Entity extends AwsEntity & Bounded>(
  kind: AwsKind,
  directory: (call: QueryCall) => AwsDirectory<Entity>,
): readonly QueryOperation[] {
  const Kind = { user: 'User', group: 'Group', role: 'Role' }[kind]
  const [entity, resource, api] = [`${Kind}Name`, resourceOf(kind), 'iam'] as const
  const find = (call: QueryCall): Entity => directory(call).get(call.accountId, nameOf(kind, call))
  const facts = (call: QueryCall): CallFacts => ({
    'iam:policyarn': call.form.get('PolicyArn'),
    'iam:permissionsboundary': boundaryOf(directory(call).list(call.accountId), call.form.get(entity)),
  })
  const change = async (call: QueryCall, after: (row: Entity) => Entity): Promise<undefined> => {
    await directory(call).change(call.accountId, nameOf(kind, call), after)
    return undefined
  }
  const inline = (row: Entity, name: string) => {
    const policy = row.policies.find((one) => one.name === name)
    if (!policy) throw noSuchEntity(`The ${kind} policy with name ${name} cannot be found.`)
    return policy
  }
  return [
    {
      ...{ name: `Put${Kind}Policy`, api, takes: [entity, 'PolicyName', 'PolicyDocument'], changes: true, resource },
      facts,
      run: (call) => {
        const name = checkedName('policyName', call.form.require('PolicyName'))
        const document = call.form.require('PolicyDocument')
        find(call)
        parseNewPolicy(document, { of: 'identity' })
        return change(call, (row) => withInlinePolicy(kind, row, { name, document }))
      },
    },
    {
      ...{ name: `Get${Kind}Policy`, api, takes: [entity, 'PolicyName'], resource },
      run: (call) => {
        const row = find(call)
        const { name, document } = inline(row, call.form.require('PolicyName'))
        return { [entity]: row.name, PolicyName: name, PolicyDocument: encodeURIComponent(document) }
      },
    },
    {
      ...{ name: `List${Kind}Policies`, api, takes: [entity, ...PAGING], resource },
      run: (call) => {
        const names = find(call).policies.map(({ name }) => name)
        const { items, facts } = paged(call, names.sort(), (name) => name)
        return { PolicyNames: { member: items }, ...facts }
      },
    },
    {
      ...{ name: `Delete${Kind}Policy`, api, takes: [entity, 'PolicyName'], changes: true, resource },
      facts,
      run: (call) =>
        change(call, (row) => {
          const { name } = inline(row, call.form.require('PolicyName'))
          return { ...row, policies: row.policies.filter((one) => one.name !== name) }
        }),
    },
    {
      ...{ name: `Attach${Kind}Policy`, api, takes: [entity, 'PolicyArn'], changes: true, resource },
      facts,
      run: (call) => {
        const arn = call.form.require('PolicyArn')
        find(call)
        return change(call, (row) => {
          // Within the change: it may be deleted at the same time.
          checkAttachable(call, arn)
          return withAttached(row, arn)
        })
      },
    },
    {
      ...{ name: `Detach${Kind}Policy`, api, takes: [entity, 'PolicyArn'], changes: true, resource },
      facts,
      run: (call) => {
        const arn = call.form.require('PolicyArn')
        return change(call, (row) => {
          if (!row.attached.includes(arn)) throw noSuchEntity(`Policy ${arn} was not found.`)
          return { ...row, attached: row.attached.filter((one) => one !== arn) }
        })
      },
    },
    {
      ...{ name: `ListAttached${Kind}Policies`, api, takes: [entity, 'PathPrefix', ...PAGING], resource },
      run: (call) => {
        const prefix = call.form.get('PathPrefix') ?? '/'
        const arns = [...find(call).attached].sort().filter((arn) => managedPolicyPath(arn).startsWith(prefix))
        const { items, facts } = paged(call, arns, (arn) => arn)
        const member = items.map((arn) => ({ PolicyName: managedPolicyName(arn), PolicyArn: arn }))
        return { AttachedPolicies: { member }, ...facts }
      },
    },
  ]
}

export const POLICIES: readonly QueryOperation[] = [
  ...policiesOf<Row<'user'>>('user', ({ iam }) => iam.aws.users),
  ...policiesOf<Row<'group'>>('group', ({ iam }) => iam.aws.groups),
  ...policiesOf<Row<'role'>>('role', ({ iam }) => iam.aws.roles),
]
