import { z } from 'zod'
import { decodeBase64 } from '../../base/decode.ts'
import { invalidField } from '../../kms/errors.ts'
import { mediaType } from './envelope.ts'
import { protocolError } from './errors.ts'

/** What comes with a payload that an import token protects. */
const secureImport = {
  encryptedNonce: z.string().optional(),
  iv: z.string().optional(),
  encryptionAlgorithm: z.string().optional(),
}

const newKeyResource = z.strictObject({
  type: z.string().optional(),
  name: z.string().optional(),
  description: z.string().optional(),
  tags: z.array(z.string()).optional(),
  aliases: z.array(z.string()).optional(),
  expirationDate: z.string().optional(),
  extractable: z.boolean().optional(),
  payload: z.string().optional(),
  ...secureImport,
})

export type NewKeyResource = z.output<typeof newKeyResource>

const rotation = z.strictObject({ enabled: z.boolean().optional(), interval_month: z.number().optional() })
const dualAuthDelete = z.strictObject({ enabled: z.boolean() })

const newKeyWithPoliciesResource = newKeyResource.extend({
  rotation: rotation.optional(),
  dualAuthDelete: dualAuthDelete.optional(),
})

/** Key Protect's envelope. */
const collectionOf = <Resource extends z.ZodType>(resource: Resource) =>
  z.strictObject({
    metadata: z
      .strictObject({ collectionType: z.string().optional(), collectionTotal: z.number().optional() })
      .optional(),
    resources: z.array(resource).optional(),
  })

export const newKeyBody = collectionOf(newKeyResource)
export const newKeyWithPoliciesBody = collectionOf(newKeyWithPoliciesResource)

export const patchBody = z.strictObject({ keyRingID: z.string() })

export const keyPoliciesBody = collectionOf(
  z.strictObject({
    type: z.string().optional(),
    rotation: rotation.optional(),
    dualAuthDelete: dualAuthDelete.optional(),
  }),
)

export type KeyPolicyResource = NonNullable<z.output<typeof keyPoliciesBody>['resources']>[number]

export const instancePoliciesBody = collectionOf(
  z.strictObject({
    policy_type: z.string(),
    policy_data: z.strictObject({
      enabled: z.boolean(),
      attributes: z
        .strictObject({
          allowed_network: z.string().optional(),
          allowed_ip: z.array(z.string()).optional(),
          create_root_key: z.boolean().optional(),
          create_standard_key: z.boolean().optional(),
          import_root_key: z.boolean().optional(),
          import_standard_key: z.boolean().optional(),
          enforce_token: z.boolean().optional(),
          interval_month: z.number().optional(),
        })
        .optional(),
    }),
  }),
)

export type InstancePolicyResource = NonNullable<z.output<typeof instancePoliciesBody>['resources']>[number]

export const importTokenBody = z
  .strictObject({ expiration: z.number().optional(), maxAllowedRetrievals: z.number().optional() })
  .nullish()

const registrationMembers = {
  preventKeyDeletion: z.boolean().optional(),
  description: z.string().optional(),
  registrationMetadata: z.string().optional(),
}

export const newRegistrationBody = z.strictObject(registrationMembers).nullish()
export const registrationBody = z
  .strictObject({ ...registrationMembers, keyVersionId: z.string().optional() })
  .nullish()

export const wrapBody = z
  .strictObject({ plaintext: z.string().optional(), aad: z.array(z.string()).optional() })
  .nullish()

export const unwrapBody = z.strictObject({ ciphertext: z.string(), aad: z.array(z.string()).optional() })

export const rotateBody = z.strictObject({ payload: z.string().optional(), ...secureImport }).nullish()

/** Key Protect itself reads none: what is not a reason counts for nothing here either. */
export const disableBody = z
  .object({
    reason: z
      .string()
      .trim()
      .max(500)
      .regex(/^\P{Cc}*$/u, 'control characters are not taken')
      .optional(),
  })
  .nullish()

interface CollectionBody<Resource> {
  readonly metadata?: { readonly collectionTotal?: number | undefined } | undefined
  readonly resources?: readonly Resource[] | undefined
}

/** Throws CollectionTotalMismatch. */
export function resourcesOf<Resource>({ metadata, resources = [] }: CollectionBody<Resource>): readonly Resource[] {
  if ((metadata?.collectionTotal ?? 0) !== resources.length) {
    throw protocolError('CollectionTotalMismatch', 'Collection total does not match number of resources')
  }
  return resources
}

/** The one resource of a collection of keys. Throws CollectionTotalMismatch, CollectionNotOne, InvalidField. */
export function onlyResource<Resource extends { readonly type?: string | undefined }>(
  body: CollectionBody<Resource>,
): Resource {
  const [resource, ...more] = resourcesOf(body)
  if (!resource || more.length > 0) throw protocolError('CollectionNotOne', 'exactly one resource is expected')
  assertType(resource, 'key')
  return resource
}

/** Throws InvalidField. */
export function assertType({ type }: { readonly type?: string | undefined }, kind: 'key' | 'policy'): void {
  if (type !== undefined && type !== mediaType(kind)) throw invalidField('type', `${mediaType(kind)} is expected`)
}

/** Standard base64 with padding, in memory of its own. Throws InvalidField. */
export function fromBase64(field: string, text: string): Buffer {
  const bytes = decodeBase64(text)
  if (bytes === undefined) throw invalidField(field, 'base64 is expected')
  return bytes
}

/** RFC 3339, as milliseconds. Throws InvalidField. */
export function expirationTime(text: string): number {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  // Date.parse takes the 31st of February for the 3rd of March.
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number)
  const inCalendar = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day
  if (Number.isNaN(ms) || !inCalendar) throw invalidField('expirationDate', 'a date as in RFC 3339 is expected')
  return ms
}

/** Every name of a member in these schemas and in those within them. */
function membersOf(schema: unknown): readonly string[] {
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape).flatMap(([name, member]) => [name, ...membersOf(member)])
  }
  if (schema instanceof z.ZodArray) return membersOf(schema.element)
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return membersOf(schema.unwrap())
  return []
}

const MEMBERS = [
  newKeyWithPoliciesBody,
  patchBody,
  keyPoliciesBody,
  instancePoliciesBody,
  importTokenBody,
  wrapBody,
  unwrapBody,
  rotateBody,
  disableBody,
  registrationBody,
].flatMap(membersOf)
const BY_LOWER_CASE: ReadonlyMap<string, string> = new Map(MEMBERS.map((name) => [name.toLowerCase(), name]))

/** Key Protect decodes as Go does: member names without regard to case, null as absent. */
export function normaliseBody(decoded: unknown): unknown {
  if (Array.isArray(decoded)) return decoded.map(normaliseBody)
  if (typeof decoded !== 'object' || decoded === null) return decoded
  return Object.fromEntries(
    Object.entries(decoded)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [BY_LOWER_CASE.get(name.toLowerCase()) ?? name, normaliseBody(value)]),
  )
}
