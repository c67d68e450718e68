import { z } from 'zod'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { recountReply } from '../reply-schemas.ts'

const body = z.strictObject({ repair: z.boolean().exactOptional() }).optional()

/** Looks at every record of the store, so it takes a Manager of every bucket there is. */
export const recountUsage = defineOperation({
  name: 'RecountUsage',
  summary: 'Compares the counters of what is stored with all records, and mends them when asked to.',
  method: 'POST',
  path: '/admin/v1/usage/recount',
  body,
  reply: recountReply,
  run: async ({ body: options }, { objects, requireAll }) => {
    requireAll('s3:GetBucketUsage')
    const { found, differences, repaired } = await objects.recount({ repair: options?.repair ?? false })
    return json(200, { exact: differences.length === 0, found, differences, repaired })
  },
})
