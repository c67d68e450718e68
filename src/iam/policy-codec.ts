import { z } from 'zod'
import { authorizationPolicy } from './authorizations.ts'
import type { Policy } from './policy.ts'
import { policyRow } from './policy-schema.ts'
import { ROLES, SERVICE_NAMES } from './principal.ts'
import type { RowCodec } from './table.ts'

const constraint = z.strictObject({ value: z.string(), operator: z.enum(['stringEquals', 'stringMatch']) })

/** The form that the first release wrote, when there were authorizations only. */
const formerRow = z.strictObject({
  accountId: z.string(),
  source: z.strictObject({
    serviceName: z.enum(SERVICE_NAMES),
    accountId: z.string(),
    serviceInstance: z.string().optional(),
    region: z.string().optional(),
  }),
  target: z.strictObject({
    serviceName: z.enum(SERVICE_NAMES),
    serviceInstance: constraint.optional(),
    resourceType: constraint.optional(),
    resource: constraint.optional(),
    keyRing: constraint.optional(),
  }),
  roles: z.array(z.enum(ROLES)),
  description: z.string().optional(),
  id: z.uuid(),
  state: z.enum(['active', 'deleted']),
  revision: z.number(),
  createdAtMs: z.number(),
  createdBy: z.string(),
  modifiedAtMs: z.number(),
  modifiedBy: z.string(),
})

export const policyCodec: RowCodec<Policy> = {
  encode: (policy) => policy,
  decode: (stored) => {
    const isFormer = typeof stored === 'object' && stored !== null && 'source' in stored
    return isFormer ? fromFormer(formerRow.parse(stored)) : policyRow.parse(stored)
  },
}

function fromFormer({ accountId, source, target, roles, description, ...rest }: z.output<typeof formerRow>): Policy {
  return { ...authorizationPolicy({ accountId, source, target, roles, description }), ...rest }
}
