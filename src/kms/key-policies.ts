import { z } from 'zod'

/** Key Protect: an interval is 1 to 12 months, each of 30 days. */
export const MAX_ROTATION_MONTHS = 12

const policyFacts = {
  id: z.uuid(),
  createdAt: z.number(),
  createdBy: z.string(),
  updatedAt: z.number(),
  updatedBy: z.string(),
}

/** Parts of a key's record: policies live and die with the key. */
export const rotationPolicySchema = z.strictObject({
  ...policyFacts,
  enabled: z.boolean(),
  intervalMonths: z.number(),
})

export const dualAuthPolicySchema = z.strictObject({
  ...policyFacts,
  enabled: z.boolean(),
  /** The first of the two who authorise the deletion, and until when that holds. */
  setForDeletion: z.strictObject({ by: z.string(), at: z.number(), expiresAt: z.number() }).exactOptional(),
})

export type RotationPolicy = Readonly<z.infer<typeof rotationPolicySchema>>
export type DualAuthPolicy = Readonly<z.infer<typeof dualAuthPolicySchema>>
