import { newAwsPolicyId } from '../new-secrets.ts'
import type { IamState } from '../state.ts'
import { type CustomerPolicy, type PolicyVersion, policyArn, policyKey, policyKeyOf } from './customer-policy.ts'
import type { AwsGroup, AwsRole, AwsUser, Bounded } from './entity.ts'
import { alreadyExists, deleteConflict, limitExceeded, noSuchEntity, validation } from './errors.ts'
import { QUOTAS } from './quotas.ts'

export interface PolicyDraft extends Pick<CustomerPolicy, 'accountId' | 'name' | 'path' | 'description' | 'tags'> {
  readonly document: string
}

/** Whom a policy is attached to. */
export interface Attachments {
  readonly users: readonly AwsUser[]
  readonly groups: readonly AwsGroup[]
  readonly roles: readonly AwsRole[]
}

export interface PolicyCounts {
  readonly attached: ReadonlyMap<string, number>
  readonly boundaries: ReadonlyMap<string, number>
}

/** Managed policies of accounts. What is not there throws NoSuchEntity. */
export interface CustomerPolicies {
  readonly find: (accountId: string, arn: string) => CustomerPolicy | undefined
  readonly get: (accountId: string, arn: string) => CustomerPolicy
  /** In order of their names. */
  readonly list: (accountId: string) => readonly CustomerPolicy[]
  /** Throws EntityAlreadyExists, LimitExceeded, ValidationError. */
  readonly create: (draft: PolicyDraft) => Promise<CustomerPolicy>
  /** Throws LimitExceeded. */
  readonly addVersion: (
    accountId: string,
    arn: string,
    version: { readonly document: string; readonly isDefault: boolean },
  ) => Promise<PolicyVersion>
  readonly setDefault: (accountId: string, arn: string, number: number) => Promise<void>
  /** Throws DeleteConflict for the default one. */
  readonly removeVersion: (accountId: string, arn: string, number: number) => Promise<void>
  /** What is said of it, while what it says stays. */
  readonly change: (accountId: string, arn: string, after: (row: CustomerPolicy) => CustomerPolicy) => Promise<void>
  /** Throws DeleteConflict while it is attached, or has versions beside the default one. */
  readonly remove: (accountId: string, arn: string) => Promise<void>
  /** By ARN, also of policies that are AWS's. */
  readonly attachments: (accountId: string, arn: string) => Attachments
  /** Whom it bounds. */
  readonly bounded: (accountId: string, arn: string) => Omit<Attachments, 'groups'>
  /** How often each policy is used, by ARN; what is not there is 0. */
  readonly counts: (accountId: string) => PolicyCounts
}

type State = Pick<IamState, 'awsPolicies' | 'awsUsers' | 'awsGroups' | 'awsRoles' | 'change' | 'clock'>

export function createCustomerPolicies(state: State): CustomerPolicies {
  const { awsPolicies: table, change, clock } = state
  const find: CustomerPolicies['find'] = (accountId, arn) => {
    const key = policyKeyOf(accountId, arn)
    return key === undefined ? undefined : table.get(key)
  }
  const get: CustomerPolicies['get'] = (accountId, arn) => {
    const policy = find(accountId, arn)
    if (!policy) throw noSuchEntity(`Policy ${arn} was not found.`)
    return policy
  }
  const list: CustomerPolicies['list'] = (accountId) =>
    [...table.values()]
      .filter((row) => row.accountId === accountId)
      .sort((one, other) => (one.name.toLowerCase() < other.name.toLowerCase() ? -1 : 1))
  const update = (accountId: string, arn: string, after: (row: CustomerPolicy) => CustomerPolicy) =>
    change(() => {
      const row = { ...after(get(accountId, arn)), updatedAtMs: clock.now() }
      return { changes: [table.put(policyKey(row), row)], result: row }
    })
  const ofAccount = (accountId: string): Attachments => {
    const own = <Row extends AwsGroup>(rows: Iterable<Row>): Row[] =>
      [...rows].filter((row) => row.accountId === accountId)
    const { awsUsers, awsGroups, awsRoles } = state
    return { users: own(awsUsers.values()), groups: own(awsGroups.values()), roles: own(awsRoles.values()) }
  }
  const attachments: CustomerPolicies['attachments'] = (accountId, arn) => {
    const has = <Row extends AwsGroup>(rows: readonly Row[]): Row[] => rows.filter((row) => row.attached.includes(arn))
    const { users, groups, roles } = ofAccount(accountId)
    return { users: has(users), groups: has(groups), roles: has(roles) }
  }
  const bounded: CustomerPolicies['bounded'] = (accountId, arn) => {
    const has = <Row extends Bounded>(rows: readonly Row[]): Row[] => rows.filter(({ boundary }) => boundary === arn)
    const { users, roles } = ofAccount(accountId)
    return { users: has(users), roles: has(roles) }
  }
  return {
    find,
    get,
    list,
    attachments,
    bounded,
    create: (draft) =>
      change(() => {
        const { document, ...named } = draft
        checkName(draft)
        checkSize(document)
        const others = list(draft.accountId)
        if (table.isDamaged(policyKey(draft)) || others.some(({ name }) => isSame(name, draft.name)))
          throw alreadyExists(`A policy called ${draft.name}`)
        if (others.length >= QUOTAS.policies) {
          throw limitExceeded(`Cannot exceed quota for PoliciesPerAccount: ${QUOTAS.policies}`)
        }
        const createdAtMs = clock.now()
        const row: CustomerPolicy = {
          ...{ ...named, id: newAwsPolicyId(), createdAtMs, updatedAtMs: createdAtMs },
          ...{ versions: [{ number: 1, document, createdAtMs }], defaultVersion: 1, lastVersion: 1 },
        }
        return { changes: [table.put(policyKey(row), row)], result: row }
      }),
    addVersion: async (accountId, arn, { document, isDefault }) => {
      const { versions } = await update(accountId, arn, (row) => {
        checkSize(document)
        if (row.versions.length >= QUOTAS.versionsPerPolicy) {
          throw limitExceeded(
            `A managed policy can have up to ${QUOTAS.versionsPerPolicy} versions. Before you create a new version, you must delete an existing version.`,
          )
        }
        const number = row.lastVersion + 1
        const version = { number, document, createdAtMs: clock.now() }
        const next = { ...row, versions: [...row.versions, version], lastVersion: number }
        return isDefault ? { ...next, defaultVersion: number } : next
      })
      const added = versions.at(-1)
      if (!added) throw new Error('a policy has no version')
      return added
    },
    setDefault: async (accountId, arn, number) => {
      await update(accountId, arn, (row) => ({ ...row, defaultVersion: versionOf(row, number).number }))
    },
    removeVersion: async (accountId, arn, number) => {
      await update(accountId, arn, (row) => {
        versionOf(row, number)
        if (row.defaultVersion === number) throw deleteConflict('Cannot delete the default version of a policy.')
        return { ...row, versions: row.versions.filter((one) => one.number !== number) }
      })
    },
    change: (accountId, arn, after) =>
      change(() => {
        const row = after(get(accountId, arn))
        return { changes: [table.put(policyKey(row), row)], result: undefined }
      }),
    remove: (accountId, arn) =>
      change(() => {
        const row = get(accountId, arn)
        const { users, groups, roles } = attachments(accountId, arn)
        if (users.length + groups.length + roles.length > 0) {
          throw deleteConflict('Cannot delete a policy attached to entities.')
        }
        const limited = bounded(accountId, arn)
        if (limited.users.length + limited.roles.length > 0) {
          throw deleteConflict('Cannot delete a policy that is a permissions boundary.')
        }
        if (row.versions.length > 1) {
          throw deleteConflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
          )
        }
        return { changes: [table.remove(policyKey(row))], result: undefined }
      }),
    counts: (accountId) => {
      const { users, groups, roles } = ofAccount(accountId)
      return {
        attached: counted([...users, ...groups, ...roles].flatMap(({ attached }) => attached)),
        boundaries: counted([...users, ...roles].flatMap(({ boundary }) => boundary ?? [])),
      }
    },
  }
}

function counted(arns: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const arn of arns) counts.set(arn, (counts.get(arn) ?? 0) + 1)
  return counts
}

/** Throws NoSuchEntity. */
export function versionOf(policy: CustomerPolicy, number: number): PolicyVersion {
  const version = policy.versions.find((one) => one.number === number)
  if (!version) throw noSuchEntity(`Policy ${policyArn(policy)} version v${number} does not exist.`)
  return version
}

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

function checkName({ name, path, description = '' }: PolicyDraft): void {
  if (!/^[\w+=,.@-]{1,128}$/.test(name)) throw validation('The specified value for policyName is invalid.')
  if (path.length > 512 || !/^\/(?:[A-Za-z0-9.,+@=_-]+\/)*$/.test(path)) {
    throw validation('The specified value for path is invalid. It must begin and end with / and be at most 512 long.')
  }
  if (description.length > 1000) throw validation('Description has at most 1000 characters.')
}

/** AWS: white space does not count. */
function checkSize(document: string): void {
  if (document.replace(/\s/g, '').length > QUOTAS.managedPolicyCharacters) {
    throw limitExceeded(`Cannot exceed quota for PolicySize: ${QUOTAS.managedPolicyCharacters}`)
  }
}
