import type { AwsEntity, AwsKind, InlinePolicy } from './entity.ts'
import { limitExceeded } from './errors.ts'

/** AWS's. */
export const QUOTAS = {
  user: { entities: 5000, policyCharacters: 2048 },
  group: { entities: 300, policyCharacters: 5120 },
  role: { entities: 1000, policyCharacters: 10_240 },
  attachedPolicies: 10,
  policies: 1500,
  versionsPerPolicy: 5,
  managedPolicyCharacters: 6144,
  groupsPerUser: 10,
  accessKeysPerUser: 2,
} as const

/** Throws LimitExceeded. White space does not count. */
export function withInlinePolicy<Row extends AwsEntity>(
  kind: AwsKind,
  row: Row,
  { name, document }: InlinePolicy,
): Row {
  const others = row.policies.filter((one) => one.name !== name)
  const policies = [...others, { name, document }]
  const characters = policies.reduce((sum, one) => sum + one.document.replace(/\s/g, '').length, 0)
  const { policyCharacters } = QUOTAS[kind]
  if (characters > policyCharacters) {
    throw limitExceeded(`Maximum policy size of ${policyCharacters} bytes exceeded for ${kind} ${row.name}`)
  }
  return { ...row, policies }
}

/** Throws LimitExceeded. */
export function withAttached<Row extends AwsEntity>(row: Row, arn: string): Row {
  if (row.attached.includes(arn)) return row
  if (row.attached.length >= QUOTAS.attachedPolicies) {
    throw limitExceeded(`Cannot exceed quota for attached policies: ${QUOTAS.attachedPolicies}`)
  }
  return { ...row, attached: [...row.attached, arn] }
}
