import { z } from 'zod'
import { INSTANCE_POLICY_TYPES } from '../../kms/instance-policies.ts'
import type { AnswerOf } from '../common/json-operation.ts'

const time = z.string().meta({ description: 'RFC 3339, in UTC, whole seconds.' })

const keyVersion = z.object({ id: z.string(), creationDate: time })
const versionId = z.object({ id: z.string() })
const rotation = z.object({ enabled: z.boolean(), interval_month: z.int() })

/** A key as it is answered; never its material, but for a standard key that is asked for. */
const key = z.object({
  type: z.string(),
  id: z.string(),
  name: z.string(),
  aliases: z.array(z.string()).optional(),
  description: z.string().optional(),
  tags: z.array(z.string()).optional(),
  state: z.literal([0, 1, 2, 3, 5]),
  nonactiveStateReason: z.int().optional(),
  expirationDate: time.optional(),
  extractable: z.boolean(),
  crn: z.string(),
  imported: z.boolean(),
  keyRingID: z.string(),
  creationDate: time,
  createdBy: z.string(),
  algorithmType: z.string(),
  algorithmMetadata: z.object({ bitLength: z.string(), mode: z.string() }),
  algorithmBitSize: z.int(),
  algorithmMode: z.string(),
  lastUpdateDate: time,
  lastRotateDate: time.optional(),
  keyVersion: keyVersion.optional(),
  dualAuthDelete: z.object({
    enabled: z.boolean(),
    keySetForDeletion: z.boolean().optional(),
    authExpiration: time.optional(),
  }),
  rotation: rotation.optional(),
  deleted: z.boolean(),
  deletionDate: time.optional(),
  deletedBy: z.string().optional(),
  restoreExpirationDate: time.optional(),
  restoreAllowed: z.boolean().optional(),
  purgeAllowed: z.boolean().optional(),
  purgeAllowedFrom: time.optional(),
  purgeScheduledOn: time.optional(),
  payload: z.string().optional().meta({ description: 'Base64: of a standard key alone.' }),
})

const keyPolicy = z.object({
  type: z.string(),
  id: z.string(),
  crn: z.string(),
  createdBy: z.string(),
  creationDate: time,
  updatedBy: z.string(),
  lastUpdateDate: time,
  dualAuthDelete: z.object({ enabled: z.boolean() }).optional(),
  rotation: rotation.optional(),
})

const instancePolicy = z.object({
  creationDate: time,
  createdBy: z.string(),
  updatedBy: z.string(),
  lastUpdated: time,
  policy_type: z.enum(INSTANCE_POLICY_TYPES),
  policy_data: z.object({
    enabled: z.boolean(),
    attributes: z
      .object({
        allowed_network: z.enum(['public-and-private', 'private-only']).optional(),
        allowed_ip: z.array(z.string()).optional(),
        create_root_key: z.boolean().optional(),
        create_standard_key: z.boolean().optional(),
        import_root_key: z.boolean().optional(),
        import_standard_key: z.boolean().optional(),
        enforce_token: z.boolean().optional(),
        interval_month: z.int().optional(),
      })
      .optional(),
  }),
})

const registration = z.object({
  keyId: z.string(),
  keyName: z.string(),
  resourceCrn: z.string(),
  createdBy: z.string(),
  creationDate: time,
  updatedBy: z.string(),
  lastUpdated: time,
  description: z.string().optional(),
  registrationMetadata: z.string().optional(),
  preventKeyDeletion: z.boolean(),
  keyVersion,
})

const searchQuery = z.object({
  query: z.string(),
  scopes: z.array(z.string()),
  not: z.boolean().optional(),
  exact: z.boolean().optional(),
})

const alias = z.object({ keyId: z.string(), alias: z.string(), createdBy: z.string(), creationDate: time })

const keyRing = z.object({
  id: z.string(),
  creationDate: time.optional().meta({ description: 'Absent of `default`, which was always there.' }),
  createdBy: z.string().optional(),
})

const importToken = z.object({
  creationDate: time,
  expirationDate: time,
  maxAllowedRetrievals: z.int(),
  remainingRetrievals: z.int(),
})

const collectionOf = (resource: z.ZodType, metadata: z.ZodRawShape = {}) =>
  z.object({
    metadata: z.object({ collectionType: z.string(), collectionTotal: z.int(), ...metadata }),
    resources: z.array(resource).optional().meta({ description: 'Absent where there is none.' }),
  })

const counted = { totalCount: z.int().optional().meta({ description: 'Where the query asks for it.' }) }

export const keyReply = collectionOf(key)
export const newKeyReply = collectionOf(
  z.union([key, key.pick({ type: true, id: true })]).meta({ description: 'Only its id with `return=minimal`.' }),
)
export const keysReply = collectionOf(key, {
  incompleteSearch: z.boolean().optional(),
  searchQuery: searchQuery.optional().meta({ description: 'What the search was taken to mean.' }),
})
export const keyVersionsReply = collectionOf(keyVersion, counted)
export const keyPoliciesReply = collectionOf(keyPolicy)
export const instancePoliciesReply = collectionOf(instancePolicy)
export const registrationReply = collectionOf(registration)
export const registrationsReply = collectionOf(registration, counted)
export const aliasReply = collectionOf(alias)
export const keyRingsReply = collectionOf(keyRing, counted)
export const allowedPortReply = collectionOf(z.object({ private_endpoint_port: z.int() }))
export const newImportTokenReply = importToken
export const importTokenReply = importToken.extend({
  payload: z.string().meta({ description: 'The public key, as PEM in Base64.' }),
  nonce: z.string(),
})
export const wrapReply = z.object({
  plaintext: z.string().optional().meta({ description: 'Base64: where the key service made it.' }),
  ciphertext: z.string(),
  keyVersion: versionId,
})
export const unwrapReply = z.object({
  plaintext: z.string(),
  keyVersion: versionId,
  ciphertext: z.string().optional().meta({ description: 'Wrapped anew, where the key was rotated since.' }),
  rewrappedKeyVersion: versionId.optional(),
})
export const rewrapReply = z.object({ ciphertext: z.string(), keyVersion: versionId, rewrappedKeyVersion: versionId })

export type KeyAnswer = AnswerOf<typeof key>
export type KeyVersionAnswer = AnswerOf<typeof keyVersion>
export type RotationAnswer = AnswerOf<typeof rotation>
export type DualAuthAnswer = KeyAnswer['dualAuthDelete']
export type KeyPolicyAnswer = AnswerOf<typeof keyPolicy>
export type InstancePolicyAnswer = AnswerOf<typeof instancePolicy>
export type RegistrationAnswer = AnswerOf<typeof registration>
export type SearchAnswer = AnswerOf<typeof searchQuery>
export type KeyRingAnswer = AnswerOf<typeof keyRing>
export type ImportTokenAnswer = AnswerOf<typeof importToken>
