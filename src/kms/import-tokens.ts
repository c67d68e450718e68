import { z } from 'zod'
import { invalidField } from './errors.ts'
import { recordCodec } from './record.ts'

const importTokenSchema = z.strictObject({
  id: z.uuid(),
  createdAt: z.number(),
  createdBy: z.string(),
  expiresAt: z.number(),
  maxRetrievals: z.number(),
  remainingRetrievals: z.number(),
  /** PEM, SPKI. */
  publicKey: z.string(),
  /** Base64 of the sealed secrets; null once destroyed. */
  sealed: z.base64().nullable(),
})

export type ImportTokenRecord = Readonly<z.infer<typeof importTokenSchema>>

export const importTokenRecords = recordCodec<ImportTokenRecord>('import token record', importTokenSchema)

export interface NewImportToken {
  readonly lifetimeSeconds: number
  readonly maxRetrievals: number
}

/** Throws InvalidField. */
export function checkNewImportToken({ lifetimeSeconds, maxRetrievals }: NewImportToken): void {
  if (!Number.isInteger(lifetimeSeconds) || lifetimeSeconds < 300 || lifetimeSeconds > 86_400) {
    throw invalidField('expiration', '300 to 86400 seconds')
  }
  if (!Number.isInteger(maxRetrievals) || maxRetrievals < 1 || maxRetrievals > 500) {
    throw invalidField('maxAllowedRetrievals', '1 to 500 retrievals')
  }
}
