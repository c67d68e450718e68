import { parseNewPolicy } from '../../../access/policy.ts'
import { principalIds, shownPolicy } from '../../../access/principal-ids.ts'
import { type AwsRole, arnOf } from '../../../iam/aws/entity.ts'
import type { XmlObject } from '../xml/encode.ts'
import { BOUNDARY, boundaryFact, boundaryXml, newBoundary } from './boundaries.ts'
import {
  isoDate,
  nameOf,
  PAGING,
  paged,
  type QueryCall,
  type QueryForm,
  type QueryOperation,
  resourceOf,
  validation,
} from './query-operation.ts'
import { needsToTag, newTags, TAGS_TAKEN, tagsGiven, tagsXml } from './tag-parameters.ts'

const roleXml = (role: AwsRole, { iam }: QueryCall): XmlObject => ({
  Path: role.path,
  RoleName: role.name,
  RoleId: role.id,
  Arn: arnOf('role', role),
  CreateDate: isoDate(role.createdAtMs),
  AssumeRolePolicyDocument: encodeURIComponent(shownPolicy(role.trust, role.trustIds, iam.aws.uniqueIds)),
  ...(role.description === undefined ? {} : { Description: role.description }),
  MaxSessionDuration: role.maxSessionSeconds,
})

/** As one alone is shown, and as AWS does not list them. */
const fullXml = (role: AwsRole, call: QueryCall): XmlObject => ({
  ...roleXml(role, call),
  ...boundaryXml(role),
  ...tagsXml(role),
})

const resource = resourceOf('role')
const found = (call: QueryCall): AwsRole => call.iam.aws.roles.get(call.accountId, nameOf('role', call))

/** AWS: of a trust policy. */
const MAX_TRUST_CHARACTERS = 2048

function trustPolicy(document: string, { iam }: QueryCall): Pick<AwsRole, 'trust' | 'trustIds'> {
  const trustIds = principalIds(parseNewPolicy(document, { of: 'role' }), iam.aws.uniqueIds)
  if (document.replace(/\s/g, '').length > MAX_TRUST_CHARACTERS) {
    throw validation(`A trust policy has at most ${MAX_TRUST_CHARACTERS} characters.`)
  }
  return { trust: document, trustIds }
}

function maxSession(form: QueryForm): number | undefined {
  const given = form.get('MaxSessionDuration')
  if (given === undefined) return undefined
  const seconds = Number(given)
  if (Number.isInteger(seconds) && seconds >= 3600 && seconds <= 43_200) return seconds
  throw validation('MaxSessionDuration must be between 3600 and 43200.')
}

function description(form: QueryForm): { readonly description?: string } {
  const given = form.get('Description')
  if (given === undefined) return {}
  if (given.length > 1000) throw validation('Description has at most 1000 characters.')
  return { description: given }
}

export const ROLES: readonly QueryOperation[] = [
  {
    ...{ name: 'CreateRole', api: 'iam', changes: true, alsoNeeds: needsToTag('TagRole') },
    facts: (call) => ({ ...boundaryFact(call), ...tagsGiven(call) }),
    takes: [
      'RoleName',
      'Path',
      'AssumeRolePolicyDocument',
      'Description',
      'MaxSessionDuration',
      BOUNDARY,
      ...TAGS_TAKEN,
    ],
    resource: ({ form, accountId }) =>
      arnOf('role', { accountId, path: form.get('Path') ?? '/', name: form.get('RoleName') ?? '' }),
    run: async (call) => {
      const { form, accountId, iam, nowMs } = call
      const role = await iam.aws.roles.create({
        ...{ accountId, id: iam.aws.newId('role'), name: nameOf('role', call), path: form.get('Path') ?? '/' },
        ...{
          createdAtMs: nowMs,
          policies: [],
          attached: [],
          ...description(form),
          ...newBoundary(call),
          ...newTags(call),
        },
        ...trustPolicy(form.require('AssumeRolePolicyDocument'), call),
        maxSessionSeconds: maxSession(form) ?? 3600,
      })
      return { Role: fullXml(role, call) }
    },
  },
  {
    ...{ name: 'GetRole', api: 'iam', takes: ['RoleName'], resource },
    run: (call) => ({ Role: fullXml(found(call), call) }),
  },
  {
    ...{ name: 'ListRoles', api: 'iam', takes: ['PathPrefix', ...PAGING], resource },
    run: (call) => {
      const prefix = call.form.get('PathPrefix') ?? '/'
      const roles = call.iam.aws.roles.list(call.accountId).filter(({ path }) => path.startsWith(prefix))
      const { items, facts } = paged(call, roles, ({ name }) => name.toLowerCase())
      return { Roles: { member: items.map((role) => roleXml(role, call)) }, ...facts }
    },
  },
  {
    ...{
      name: 'UpdateRole',
      api: 'iam',
      takes: ['RoleName', 'Description', 'MaxSessionDuration'],
      changes: true,
      resource,
    },
    run: async (call) => {
      const { form, accountId, iam } = call
      await iam.aws.roles.change(accountId, nameOf('role', call), (role) => ({
        ...role,
        ...description(form),
        maxSessionSeconds: maxSession(form) ?? role.maxSessionSeconds,
      }))
      return {}
    },
  },
  {
    ...{ name: 'UpdateAssumeRolePolicy', api: 'iam', takes: ['RoleName', 'PolicyDocument'], changes: true, resource },
    run: async (call) => {
      found(call)
      const trust = trustPolicy(call.form.require('PolicyDocument'), call)
      await call.iam.aws.roles.change(call.accountId, nameOf('role', call), (role) => ({ ...role, ...trust }))
      return undefined
    },
  },
  {
    ...{ name: 'DeleteRole', api: 'iam', takes: ['RoleName'], changes: true, resource },
    run: async (call) => {
      await call.iam.aws.roles.remove(call.accountId, nameOf('role', call))
      return undefined
    },
  },
]
