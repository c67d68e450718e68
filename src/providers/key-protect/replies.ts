import { z } from 'zod'
import { decodeBase64 } from '../../base/decode.ts'
import { failure } from '../common/failure.ts'
import type { HttpReply } from '../common/http-exchange.ts'

const version = z.object({ id: z.string().min(1) })
/** Of base64 only what encodes back to the same text: bytes are what is kept, and the service gets its text again. */
const base64 = z
  .string()
  .min(1)
  .transform((text, context) => {
    const bytes = decodeBase64(text)
    if (bytes !== undefined) return bytes
    context.addIssue({ code: 'custom', message: 'not base64' })
    return z.NEVER
  })

export const wrapReply = z.object({ ciphertext: base64, keyVersion: version })
export const unwrapReply = z.object({
  plaintext: base64,
  keyVersion: version,
  ciphertext: base64.optional(),
  rewrappedKeyVersion: version.optional(),
})
export const rewrapReply = z.object({ ciphertext: base64, keyVersion: version, rewrappedKeyVersion: version })
export const tokenReply = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() })
export const metadataReply = z
  .object({
    resources: z.tuple([
      z.object({
        crn: z.string(),
        state: z.number(),
        extractable: z.boolean(),
        keyVersion: version.optional(),
      }),
    ]),
  })
  .transform(({ resources }) => resources[0])

export type KeyMetadata = z.output<typeof metadataReply>

/** Throws KeyProviderUnavailable: a service that answers like that is not the one that was meant. */
export function readReply<Schema extends z.ZodType>(schema: Schema, { body }: HttpReply): z.output<Schema> {
  const parsed = schema.safeParse(jsonOf(body))
  // Answers of a key service hold keys: zeroed once they are read, and no part of them in the error.
  body.fill(0)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues[0]?.path.join('.') ?? ''
  throw failure('KeyProviderUnavailable', new Error(`the answer is not understood at ${where || 'its start'}`))
}

const reasons = z.object({
  resources: z.array(z.object({ reasons: z.array(z.object({ code: z.string() })).optional() })).min(1),
})

/** Key Protect's reason code, e.g. KEY_NOT_FOUND_ERR; empty where it gives none. */
export function reasonCode({ body }: HttpReply): string {
  const parsed = reasons.safeParse(jsonOf(body))
  return parsed.success ? (parsed.data.resources[0]?.reasons?.[0]?.code ?? '') : ''
}

const identityError = z.object({ errorCode: z.string() })

/** IAM's error code, e.g. BXNIM0415E; empty where it gives none. */
export function identityErrorCode({ body }: HttpReply): string {
  const parsed = identityError.safeParse(jsonOf(body))
  return parsed.success ? parsed.data.errorCode : ''
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
