import { z } from 'zod'

/** Query parameters, for the description of the API. The readers of each list read them. */

const text = z.string().optional()

export const takesPolicies = z.object({
  account_id: z.string(),
  ...{ iam_id: text, service_name: text, sort: text, start: text },
  type: z.enum(['access', 'authorization']).optional(),
  state: z.enum(['active', 'deleted']).optional(),
  format: z.enum(['include_last_permit', 'display']).optional(),
  limit: z.int().min(1).max(100).optional(),
})

export const takesEntities = z.object({
  account_id: z.string(),
  ...{ name: text, sort: text, pagetoken: text },
  pagesize: z.int().min(1).max(100).optional(),
  order: z.enum(['asc', 'desc']).optional(),
  include_history: z.enum(['true', 'false']).optional(),
})
export const takesApiKeys = takesEntities
  .partial({ account_id: true })
  .omit({ name: true })
  .extend({
    iam_id: text,
    scope: z.enum(['entity', 'account']).optional(),
    type: text,
  })

export const takesUsers = z.object({
  ...{ _start: text, search: text, user_id: text },
  limit: z.int().min(1).max(100).optional(),
  include_settings: z.enum(['true', 'false']).optional(),
})

export const takesResources = z.object({
  ...{ guid: text, name: text, resource_group_id: text, resource_id: text, resource_plan_id: text, start: text },
  limit: z.int().min(1).max(200).optional(),
  state: z.enum(['active', 'removed']).optional(),
  ...{ updated_from: text, updated_to: text },
})

export const takesRoles = z.object({
  account_id: text,
  service_name: text,
  source_service_name: text,
  policy_type: text,
})
