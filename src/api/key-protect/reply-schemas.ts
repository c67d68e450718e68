import { z } from 'zod'

const keyVersion = z.object({ id: z.string(), creationDate: z.string().optional() })

/** A key as it is answered; never its material, but for a standard key that is asked for. */
const key = z.looseObject({
  type: z.string(),
  id: z.string(),
  name: z.string(),
  aliases: z.array(z.string()).optional(),
  description: z.string().optional(),
  tags: z.array(z.string()).optional(),
  state: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(5)]),
  extractable: z.boolean(),
  crn: z.string(),
  imported: z.boolean(),
  keyRingID: z.string(),
  creationDate: z.string(),
  createdBy: z.string(),
  expirationDate: z.string().optional(),
  lastUpdateDate: z.string(),
  lastRotateDate: z.string().optional(),
  keyVersion: keyVersion.optional(),
  dualAuthDelete: z.looseObject({ enabled: z.boolean() }),
  rotation: z.object({ enabled: z.boolean(), interval_month: z.int() }).optional(),
  deleted: z.boolean(),
  payload: z.string().optional(),
})

const collectionOf = (resource: z.ZodType) =>
  z.object({
    metadata: z.looseObject({ collectionType: z.string(), collectionTotal: z.int() }),
    resources: z.array(resource).optional().meta({ description: 'Absent where there is none.' }),
  })

export const keysReply = collectionOf(key)
export const keyVersionsReply = collectionOf(keyVersion)
export const wrapReply = z.object({
  plaintext: z.string().optional().meta({ description: 'Base64: where the key service made it.' }),
  ciphertext: z.string(),
  keyVersion: z.object({ id: z.string() }),
})
export const unwrapReply = z.looseObject({ plaintext: z.string(), keyVersion: z.object({ id: z.string() }) })
