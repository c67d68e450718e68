import { z } from 'zod'
import { lifeSchema } from './entity-life.ts'
import type { StoredResourceKey } from './records.ts'
import type { RowCodec } from './table.ts'

const schema = z.strictObject({
  id: z.string(),
  accountId: z.string(),
  name: z.string(),
  sourceCrn: z.string(),
  sourceGuid: z.string(),
  resourceGroupId: z.string(),
  iamId: z.string(),
  ownsServiceId: z.boolean(),
  apiKeyId: z.string(),
  accessKeyId: z.string().optional(),
  roleCrn: z.string().optional(),
  policyId: z.string().optional(),
  onetimeCredentials: z.boolean(),
  life: lifeSchema,
  removed: z.strictObject({ atMs: z.number(), by: z.string() }).optional(),
})

export const resourceKeyCodec: RowCodec<StoredResourceKey> = {
  encode: (row) => row,
  decode: (stored) => schema.parse(stored),
}
