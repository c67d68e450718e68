import { z } from 'zod'
import { invalidField } from '../../kms/errors.ts'
import { mediaType } from './envelope.ts'
import { protocolError } from './errors.ts'

/** The members that an import token needs; this server has no import tokens. */
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

export const newKeyBody = z.strictObject({
  metadata: z
    .strictObject({ collectionType: z.string().optional(), collectionTotal: z.number().optional() })
    .optional(),
  resources: z.array(newKeyResource).optional(),
})

export const wrapBody = z
  .strictObject({ plaintext: z.string().optional(), aad: z.array(z.string()).optional() })
  .nullish()

export const unwrapBody = z.strictObject({ ciphertext: z.string(), aad: z.array(z.string()).optional() })

export const rotateBody = z.strictObject({ payload: z.string().optional(), ...secureImport }).nullish()

/** The one resource of a collection. Throws CollectionTotalMismatch, CollectionNotOne, InvalidField, NotImplemented. */
export function onlyResource({ metadata, resources = [] }: z.output<typeof newKeyBody>): NewKeyResource {
  if ((metadata?.collectionTotal ?? 0) !== resources.length) {
    throw protocolError('CollectionTotalMismatch', 'collectionTotal is not the number of resources')
  }
  const [resource, ...more] = resources
  if (!resource || more.length > 0) throw protocolError('CollectionNotOne', 'exactly one resource is expected')
  if (resource.type !== undefined && resource.type !== mediaType('key')) {
    throw invalidField('type', `${mediaType('key')} is expected`)
  }
  return resource
}

/** Base64 of the payload, if any. Throws InvalidField, NotImplemented. The caller zeroes it. */
export function payloadOf(
  resource: Pick<NewKeyResource, 'payload' | 'encryptedNonce' | 'iv' | 'encryptionAlgorithm'>,
): Buffer | undefined {
  const { payload, encryptedNonce, iv, encryptionAlgorithm } = resource
  if (encryptedNonce ?? iv ?? encryptionAlgorithm) {
    throw protocolError('NotImplemented', 'import with an import token is not implemented')
  }
  return payload ? fromBase64('payload', payload) : undefined
}

/** Standard base64 with padding, in memory of its own. Throws InvalidField. */
export function fromBase64(field: string, text: string): Buffer {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
    throw invalidField(field, 'base64 is expected')
  }
  const bytes = Buffer.alloc(Buffer.byteLength(text, 'base64'))
  bytes.write(text, 'base64')
  return bytes
}

/** RFC 3339, as milliseconds. Throws InvalidField. */
export function expirationTime(text: string): number {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw invalidField('expirationDate', 'a date as in RFC 3339 is expected')
  return ms
}

const MEMBERS = [
  'metadata',
  'collectionType',
  'collectionTotal',
  'resources',
  'type',
  'name',
  'description',
  'tags',
  'aliases',
  'expirationDate',
  'extractable',
  'payload',
  'encryptedNonce',
  'iv',
  'encryptionAlgorithm',
  'plaintext',
  'ciphertext',
  'aad',
  'preventKeyDeletion',
]
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
