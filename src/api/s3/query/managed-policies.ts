import {
  MANAGED_POLICIES,
  MANAGED_SINCE,
  managedPolicy,
  managedPolicyArn,
  managedPolicyName,
} from '../../../access/managed-policies.ts'
import { parseNewPolicy } from '../../../access/policy.ts'
import { type PolicyCounts, versionOf } from '../../../iam/aws/customer-policies.ts'
import { type CustomerPolicy, type PolicyVersion, policyArn } from '../../../iam/aws/customer-policy.ts'
import type { XmlObject } from '../xml/encode.ts'
import { QueryError } from './query-error.ts'
import {
  checkedName,
  isoDate,
  noSuchEntity,
  PAGING,
  paged,
  type QueryCall,
  type QueryForm,
  type QueryOperation,
  validation,
} from './query-operation.ts'
import { needsToTag, newTags, TAGS_TAKEN, tagsGiven, tagsXml } from './tag-parameters.ts'

export const POLICY_ARN = 'PolicyArn'
const ARN = POLICY_ARN
const resource = ({ form }: QueryCall): string => form.require(ARN)
const [api, changes] = ['iam', true] as const

const versionId = (number: number): string => `v${number}`

/** AWS's own are as if they were of the account, in their first version. */
function awsManaged(name: string): CustomerPolicy {
  const document = managedPolicy(managedPolicyArn(name)) ?? ''
  return {
    ...{ accountId: 'aws', id: MANAGED_POLICIES[name] ?? '', name, path: '/' },
    ...{ createdAtMs: MANAGED_SINCE, updatedAtMs: MANAGED_SINCE },
    ...{ versions: [{ number: 1, document, createdAtMs: MANAGED_SINCE }], defaultVersion: 1, lastVersion: 1 },
  }
}

const policyXml = (policy: CustomerPolicy, { attached, boundaries }: PolicyCounts): XmlObject => ({
  PolicyName: policy.name,
  PolicyId: policy.id,
  Arn: policyArn(policy),
  Path: policy.path,
  DefaultVersionId: versionId(policy.defaultVersion),
  AttachmentCount: attached.get(policyArn(policy)) ?? 0,
  PermissionsBoundaryUsageCount: boundaries.get(policyArn(policy)) ?? 0,
  IsAttachable: true,
  CreateDate: isoDate(policy.createdAtMs),
  UpdateDate: isoDate(policy.updatedAtMs),
})

const versionXml = ({ number, createdAtMs }: PolicyVersion, { defaultVersion }: CustomerPolicy): XmlObject => ({
  VersionId: versionId(number),
  IsDefaultVersion: number === defaultVersion,
  CreateDate: isoDate(createdAtMs),
})

export function policyNamed({ form, accountId, iam }: QueryCall): CustomerPolicy {
  const arn = form.require(ARN)
  return managedPolicy(arn) === undefined
    ? iam.aws.customerPolicies.get(accountId, arn)
    : awsManaged(managedPolicyName(arn))
}

/** Of the account's own. */
export function mutablePolicy({ form }: QueryCall): string {
  const arn = form.require(ARN)
  if (managedPolicy(arn) === undefined) return arn
  throw new QueryError(403, 'AccessDenied', `Policy ${arn} is managed by AWS and cannot be changed.`)
}

function newDocument(form: QueryForm): string {
  const document = form.require('PolicyDocument')
  parseNewPolicy(document, { of: 'identity' })
  return document
}

function versionNumber(form: QueryForm): number {
  const number = /^v([1-9][0-9]{0,8})(?:\.[A-Za-z0-9-]*)?$/.exec(form.require('VersionId'))?.[1]
  if (number === undefined) throw validation('VersionId is v and a number.')
  return Number(number)
}

function flag(form: QueryForm, name: string): boolean {
  const value = form.get(name)
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  throw validation(`${name} must be true or false.`)
}

function choice<Name extends string>(form: QueryForm, parameter: string, names: readonly Name[]): Name | undefined {
  const value = form.get(parameter)
  const name = names.find((one) => one === value)
  if (value !== undefined && name === undefined) throw validation(`${parameter} must be one of ${names.join(', ')}.`)
  return name
}

/** Undefined: all the same. */
const usageOf = (form: QueryForm) => choice(form, 'PolicyUsageFilter', ['PermissionsPolicy', 'PermissionsBoundary'])

export const MANAGED: readonly QueryOperation[] = [
  {
    ...{ name: 'CreatePolicy', api, changes, facts: tagsGiven, alsoNeeds: needsToTag('TagPolicy') },
    takes: ['PolicyName', 'Path', 'PolicyDocument', 'Description', ...TAGS_TAKEN],
    resource: ({ form, accountId }) =>
      policyArn({ accountId, path: form.get('Path') ?? '/', name: form.require('PolicyName') }),
    run: async (call) => {
      const { form, accountId, iam } = call
      const policy = await iam.aws.customerPolicies.create({
        ...{ accountId, name: checkedName('policyName', form.require('PolicyName')), path: form.get('Path') ?? '/' },
        ...{ document: newDocument(form), description: form.get('Description') },
        ...newTags(call),
      })
      return { Policy: { ...policyXml(policy, { attached: new Map(), boundaries: new Map() }), ...tagsXml(policy) } }
    },
  },
  {
    ...{ name: 'GetPolicy', api, takes: [ARN], resource },
    run: (call) => {
      const policy = policyNamed(call)
      const counts = call.iam.aws.customerPolicies.counts(call.accountId)
      const xml = { ...policyXml(policy, counts), ...tagsXml(policy) }
      return { Policy: policy.description === undefined ? xml : { ...xml, Description: policy.description } }
    },
  },
  {
    ...{ name: 'ListPolicies', api, takes: ['Scope', 'OnlyAttached', 'PathPrefix', 'PolicyUsageFilter', ...PAGING] },
    resource: ({ accountId }) => policyArn({ accountId, path: '/', name: '*' }),
    run: (call) => {
      const { form, accountId, iam } = call
      const scope = choice(form, 'Scope', ['All', 'AWS', 'Local']) ?? 'All'
      const [prefix, onlyAttached] = [form.get('PathPrefix') ?? '/', flag(form, 'OnlyAttached')]
      const counts = iam.aws.customerPolicies.counts(accountId)
      const usage = usageOf(form)
      const isUsed = (arn: string): boolean =>
        (usage !== 'PermissionsBoundary' && counts.attached.has(arn)) ||
        (usage !== 'PermissionsPolicy' && counts.boundaries.has(arn))
      const theirs = scope === 'Local' ? [] : Object.keys(MANAGED_POLICIES).map(awsManaged)
      const own = scope === 'AWS' ? [] : iam.aws.customerPolicies.list(accountId)
      const usedOnly = onlyAttached || usage === 'PermissionsBoundary'
      const wanted = [...theirs, ...own]
        .filter((one) => one.path.startsWith(prefix) && (!usedOnly || isUsed(policyArn(one))))
        .sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
      const { items, facts } = paged(call, wanted, keyOf)
      return { Policies: { member: items.map((one) => policyXml(one, counts)) }, ...facts }
    },
  },
  {
    ...{ name: 'DeletePolicy', api, takes: [ARN], changes, resource },
    run: async (call) => {
      await call.iam.aws.customerPolicies.remove(call.accountId, mutablePolicy(call))
      return undefined
    },
  },
  {
    ...{ name: 'CreatePolicyVersion', api, takes: [ARN, 'PolicyDocument', 'SetAsDefault'], changes, resource },
    run: async (call) => {
      const { form, accountId, iam } = call
      const [arn, isDefault] = [mutablePolicy(call), flag(form, 'SetAsDefault')]
      policyNamed(call)
      const document = newDocument(form)
      const version = await iam.aws.customerPolicies.addVersion(accountId, arn, { document, isDefault })
      const { number, createdAtMs } = version
      return {
        PolicyVersion: {
          VersionId: versionId(number),
          IsDefaultVersion: isDefault,
          CreateDate: isoDate(createdAtMs),
        },
      }
    },
  },
  {
    ...{ name: 'GetPolicyVersion', api, takes: [ARN, 'VersionId'], resource },
    run: (call) => {
      const policy = policyNamed(call)
      const version = versionOf(policy, versionNumber(call.form))
      return { PolicyVersion: { Document: encodeURIComponent(version.document), ...versionXml(version, policy) } }
    },
  },
  {
    ...{ name: 'ListPolicyVersions', api, takes: [ARN, ...PAGING], resource },
    run: (call) => {
      const policy = policyNamed(call)
      // AWS: the newest first.
      const { items, facts } = paged(call, policy.versions.toReversed(), ({ number }) => `${1e9 - number}`)
      return { Versions: { member: items.map((version) => versionXml(version, policy)) }, ...facts }
    },
  },
  {
    ...{ name: 'DeletePolicyVersion', api, takes: [ARN, 'VersionId'], changes, resource },
    run: async (call) => {
      await call.iam.aws.customerPolicies.removeVersion(call.accountId, mutablePolicy(call), versionNumber(call.form))
      return undefined
    },
  },
  {
    ...{ name: 'SetDefaultPolicyVersion', api, takes: [ARN, 'VersionId'], changes, resource },
    run: async (call) => {
      await call.iam.aws.customerPolicies.setDefault(call.accountId, mutablePolicy(call), versionNumber(call.form))
      return undefined
    },
  },
  {
    ...{ name: 'ListEntitiesForPolicy', api, resource },
    takes: [ARN, 'EntityFilter', 'PathPrefix', 'PolicyUsageFilter', ...PAGING],
    run: (call) => {
      const { form, accountId, iam } = call
      policyNamed(call)
      const kinds = ['Group', 'Role', 'User'] as const
      const filter = choice(form, 'EntityFilter', [...kinds, 'LocalManagedPolicy', 'AWSManagedPolicy'])
      const prefix = form.get('PathPrefix') ?? '/'
      const { customerPolicies } = iam.aws
      const [usage, arn] = [usageOf(form), form.require(ARN)]
      const attached = customerPolicies.attachments(accountId, arn)
      const bounded = { ...customerPolicies.bounded(accountId, arn), groups: [] }
      const used = [
        ...(usage === 'PermissionsBoundary' ? [] : [attached]),
        ...(usage === 'PermissionsPolicy' ? [] : [bounded]),
      ]
      const rows = {
        Group: new Set(used.flatMap(({ groups }) => groups)),
        Role: new Set(used.flatMap(({ roles }) => roles)),
        User: new Set(used.flatMap(({ users }) => users)),
      }
      const all = kinds
        .filter((kind) => (filter ?? kind) === kind)
        .flatMap((kind) => [...rows[kind]].map(({ name, id, path }) => ({ kind, name, id, path })))
        .filter(({ path }) => path.startsWith(prefix))
      const entityKey = ({ kind, name }: (typeof all)[number]) => `${kind}/${name.toLowerCase()}`
      all.sort((one, other) => (entityKey(one) < entityKey(other) ? -1 : 1))
      const { items, facts } = paged(call, all, entityKey)
      const of = (wanted: (typeof kinds)[number]) => ({
        member: items
          .filter(({ kind }) => kind === wanted)
          .map(({ name, id }) => ({ [`${wanted}Name`]: name, [`${wanted}Id`]: id })),
      })
      return { PolicyGroups: of('Group'), PolicyUsers: of('User'), PolicyRoles: of('Role'), ...facts }
    },
  },
]

/** One of AWS's and one of the account's may have one name. */
const keyOf = (policy: CustomerPolicy): string => `${policy.name.toLowerCase()} ${policyArn(policy)}`

/** Throws NoSuchEntity for a policy that the account cannot attach. */
export function checkAttachable({ iam, accountId }: Pick<QueryCall, 'iam' | 'accountId'>, arn: string): void {
  if (managedPolicy(arn) !== undefined || iam.aws.customerPolicies.find(accountId, arn)) return
  throw noSuchEntity(`Policy ${arn} does not exist or is not attachable.`)
}
