import { compilePolicy } from './compiled-policy.ts'
import { IAM_SPACE } from './keyspace.ts'
import type { Policy, PolicyAttribute, PolicyDraft, PolicyRule } from './policy.ts'
import { policyCodec } from './policy-codec.ts'
import { createPolicyShelves, type PolicyShelves } from './policy-shelves.ts'
import { openTable, type Table, type TableStore } from './table.ts'

/** When a policy last decided for somebody, and how often it did, since this process started. */
export interface Permits {
  readonly lastAtMs: number
  readonly count: number
}

/** All policies, and the active ones where a decision finds them without looking at the others. */
export interface PolicyBook extends Table<Policy>, Pick<PolicyShelves, 'find' | 'all'> {
  readonly ofAccount: (accountId: string) => Iterable<Policy>
  /** An active policy that grants the same. */
  readonly twin: (draft: PolicyDraft) => string | undefined
  readonly notePermit: (id: string, atMs: number, count?: number) => void
  /** Those that were noted since the last time this was asked. */
  readonly takePermits: () => ReadonlyMap<string, Permits>
  readonly permits: (id: string) => Permits | undefined
}

export async function openPolicyBook(rows: TableStore): Promise<PolicyBook> {
  const shelves = createPolicyShelves()
  const accounts = new Map<string, Map<string, Policy>>()
  const meanings = new Map<string, string>()
  let permits = new Map<string, { lastAtMs: number; count: number }>()

  const enter = (policy: Policy): void => {
    const own = accounts.get(policy.accountId) ?? new Map<string, Policy>()
    accounts.set(policy.accountId, own.set(policy.id, policy))
    if (policy.state !== 'active') return
    shelves.add(compilePolicy(policy))
    meanings.set(meaning(policy), policy.id)
  }
  const leave = (policy: Policy): void => {
    accounts.get(policy.accountId)?.delete(policy.id)
    if (policy.state !== 'active') return
    shelves.remove(policy)
    meanings.delete(meaning(policy))
  }

  const table = await openTable(rows, IAM_SPACE.policy, policyCodec, (policy, before) => {
    if (before) leave(before)
    if (policy) enter(policy)
    else if (before) permits.delete(before.id)
  })
  for (const policy of table.values()) enter(policy)

  return {
    ...table,
    find: shelves.find,
    all: shelves.all,
    ofAccount: (accountId) => accounts.get(accountId)?.values() ?? [],
    twin: (draft) => meanings.get(meaning(draft)),
    notePermit: (id, atMs, count = 1) => {
      const known = permits.get(id)
      if (known) {
        known.lastAtMs = Math.max(known.lastAtMs, atMs)
        known.count += count
      } else permits.set(id, { lastAtMs: atMs, count })
    },
    takePermits: () => {
      const taken = permits
      permits = new Map()
      return taken
    },
    permits: (id) => permits.get(id),
  }
}

/** The same text for two policies that grant the same, in whatever order they say it. */
function meaning({ type, subject, resource, roles, pattern, rule }: PolicyDraft): string {
  const attributes = (list: readonly PolicyAttribute[]) =>
    list
      .map(({ key, operator, value }) =>
        JSON.stringify([key, operator, typeof value === 'object' ? [...value].sort() : value]),
      )
      .sort()
  const described = [type, attributes(subject), attributes(resource), [...roles].sort()]
  return JSON.stringify(rule === undefined ? described : [...described, pattern, ruleText(rule)])
}

const ruleText = (rule: PolicyRule): unknown =>
  'conditions' in rule
    ? [rule.operator, rule.conditions.map(({ key, operator, value }) => [key, operator, value])]
    : [rule.key, rule.operator, rule.value]
