import { z } from 'zod'

/** Query parameters, for the description of the API. `query.ts` reads them. */

const count = z.int().min(1).max(5000).optional()
const flag = z.enum(['true', 'false']).optional()

const takesPage = z.object({ limit: count, offset: z.int().min(0).optional() })

export const takesKeyFilter = z.object({
  state: z.string().optional().meta({ description: 'Numbers with commas: 0, 1, 2, 3, 5. Default: all but 5.' }),
  extractable: flag,
  filter: z.string().optional().meta({ description: '`creationDate=gte:"2026-01-01T00:00:00Z" state=1,2`' }),
})

export const takesKeys = takesPage.extend({
  ...takesKeyFilter.shape,
  search: z
    .string()
    .optional()
    .meta({ description: 'A part of a name or an alias; `exact:`, `not:`, `alias:`, `name:`.' }),
  sort: z.string().optional().meta({ description: 'Members with commas, `-` in front turns the order.' }),
})

export const takesVersions = takesPage.extend({ totalCount: flag, allKeyStates: flag })
export const takesPolicy = z.object({ policy: z.string().optional().meta({ description: 'Only this policy.' }) })
export const takesRegistrations = takesPage.extend({
  totalCount: flag,
  preventKeyDeletion: flag,
  urlEncodedResourceCRNQuery: z.string().optional(),
})
export const takesForce = z.object({ force: flag.meta({ description: 'Also while resources are registered at it.' }) })
