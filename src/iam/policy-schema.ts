import { z } from 'zod'
import { POLICY_TYPES } from './policy.ts'

/** IBM: attribute values have 1 to 1,000 characters. */
const value = z.string().min(1).max(1000)
const key = z.string().min(1).max(64)
const values = z.array(value).min(1).max(100)

export const policyAttribute = z.discriminatedUnion('operator', [
  z.strictObject({ key, operator: z.enum(['stringEquals', 'stringMatch']), value }),
  z.strictObject({ key, operator: z.literal('stringExists'), value: z.boolean() }),
  z.strictObject({ key, operator: z.enum(['stringEqualsAnyOf', 'stringMatchAnyOf']), value: values }),
])

const condition = z.strictObject({ key: value, operator: key, value: z.union([value, values]) })
export const policyRule = z.union([
  condition,
  z.strictObject({ operator: z.enum(['and', 'or']), conditions: z.array(condition).min(1).max(20) }),
])

const draftShape = {
  type: z.enum(POLICY_TYPES),
  accountId: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hex digits'),
  subject: z.array(policyAttribute).min(1).max(16),
  resource: z.array(policyAttribute).min(1).max(16),
  roles: z.array(z.string().min(1).max(512)).min(1).max(16),
  description: z.string().max(1024).optional(),
  pattern: z.string().max(128).optional(),
  rule: policyRule.optional(),
}

export const policyDraft = z.strictObject(draftShape)

export const policyRow = z.strictObject({
  ...draftShape,
  id: z.uuid(),
  state: z.enum(['active', 'deleted']),
  revision: z.number(),
  createdAtMs: z.number(),
  createdBy: z.string(),
  modifiedAtMs: z.number(),
  modifiedBy: z.string(),
})
