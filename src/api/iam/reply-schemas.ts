import { z } from 'zod'

const text = z.string().optional()
const life = { created_at: text, created_by_id: text, last_modified_at: text, last_modified_by_id: text }

export const tokenAnswer = z.looseObject({
  access_token: z.string(),
  refresh_token: text,
  token_type: z.string(),
  expires_in: z.int(),
  expiration: z.int(),
})

export const policyAnswer = z.looseObject({ id: z.string(), type: z.string(), state: z.string(), ...life })
export const policiesAnswer = z.looseObject({ policies: z.array(policyAnswer) })

const serviceIdAnswer = z.looseObject({
  ...{ id: z.string(), iam_id: z.string(), crn: z.string(), account_id: z.string(), name: z.string() },
  ...{ description: text, locked: z.boolean() },
})
export const serviceIdsAnswer = z.looseObject({ serviceids: z.array(serviceIdAnswer) })

export const usersAnswer = z.looseObject({
  total_results: z.int(),
  limit: z.int(),
  resources: z.array(
    z.looseObject({ id: z.string(), iam_id: z.string(), user_id: z.string(), state: z.string(), email: z.string() }),
  ),
})

export const instancesAnswer = z.looseObject({
  resources: z.array(z.looseObject({ id: z.string(), guid: z.string(), crn: z.string(), name: z.string() })),
})
