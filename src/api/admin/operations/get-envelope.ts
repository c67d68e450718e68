import { z } from 'zod'
import { hasCode } from '../../../base/errors.ts'
import type { EnvelopeFacts } from '../../../objects/envelope-facts.ts'
import type { ObjectsErrorCode } from '../../../objects/errors.ts'
import { noBody } from '../../common/json-operation.ts'
import { queryOf } from '../../common/query-of.ts'
import { json } from '../../common/reply.ts'
import { type AdminContext, defineOperation } from '../context.ts'
import { rootKeyFace, versionFace } from '../key-sight.ts'

const takes = z.object({
  key: z.string().min(1).meta({ description: 'Key of the object.' }),
  versionId: z.string().min(1).optional().meta({ description: 'Default: the current version.' }),
})

const reply = z.object({
  ...{ bucket: z.string(), key: z.string(), versionId: z.string() },
  sizeBytes: z.int(),
  modifiedAt: z.iso.datetime(),
  encryption: z.enum(['provider-managed', 'customer-managed']),
  algorithm: z.enum(['AES256', 'aws:kms', 'aws:kms:dsse']).meta({ description: 'As S3 names it.' }),
  customerKey: z.boolean().meta({ description: 'Its customer keeps a key that it needs, too (SSE-C).' }),
  sealedReplica: z.boolean().meta({ description: 'The bytes are those that another bucket sealed.' }),
  rootKey: rootKeyFace
    .optional()
    .meta({ description: 'Absent for the store’s own key, unless the caller may see it.' }),
  rootKeyVersion: z
    .object({ id: z.string(), ...versionFace.omit({ id: true }).partial().shape })
    .optional()
    .meta({ description: 'That the data key depends on.' }),
  bucketKey: z
    .object({ id: z.string() })
    .optional()
    .meta({ description: 'The root key wraps this key of the bucket, and that one the data key.' }),
  slot: z.int().meta({ description: 'Key slot of the bucket.' }),
  ownKey: z.boolean().meta({ description: 'Stays under its root key, wherever the bucket moves.' }),
  dataKey: z.object({
    fingerprint: z.string().meta({ description: 'The first 16 bytes of SHA-256 over the wrapped key, hex.' }),
    wrappedBytes: z.int(),
    encryptionContext: z.boolean().meta({ description: 'An encryption context of the client is bound to it.' }),
  }),
  envelopeId: z.string(),
  stored: z
    .object({
      format: z.literal('OEF1'),
      cipher: z.literal('AES-256-GCM'),
      segmentBytes: z.int(),
      parts: z.int(),
      layers: z
        .array(z.object({ segments: z.int(), ciphertextBytes: z.int() }))
        .meta({ description: 'From the innermost on; the last one is what lies on the disk.' }),
    })
    .optional()
    .meta({ description: 'Absent when the stored bytes are not as the record says: the object is damaged.' }),
})

export const getEnvelope = defineOperation({
  name: 'GetEnvelope',
  summary: 'How an object is sealed: which key wraps its data key, and what lies on the disk. Needs no key.',
  method: 'GET',
  path: '/admin/v1/buckets/:name/envelope',
  takes,
  body: noBody,
  reply,
  run: async ({ request }, context) => {
    const { key, versionId } = queryOf(request, takes)
    const bucket = context.objects.buckets.get(request.param('name'))
    const action = versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
    await context.requireS3({ action, bucket: bucket.name, key, versionId })
    const facts = await context.objects.envelopeFacts({ bucket, key, versionId }).catch(async (error: unknown) => {
      // S3: that something is not there is told to those only who might list it.
      if (hasCode<ObjectsErrorCode>(error, 'NoSuchKey', 'NoSuchVersion')) {
        await context.requireS3({ action: 's3:ListBucket', bucket: bucket.name, prefix: key })
      }
      throw error
    })
    const isTold =
      facts.protection.encryption === 'customer-managed' || context.may(bucket, 's3:GetEncryptionConfiguration')
    return json(200, { bucket: bucket.name, key, ...faceOf(facts), ...(isTold ? keyFace(context, facts) : {}) })
  },
})

const keyFace = ({ keys }: AdminContext, { protection, rootKeyVersion: id }: EnvelopeFacts) => ({
  rootKey: keys.of(protection.rootKeyCrn),
  rootKeyVersion: keys.version(protection.rootKeyCrn, id) ?? { id },
})

function faceOf(facts: EnvelopeFacts) {
  const { versionId, sizeBytes, modifiedAtMs, protection, bucketKeyId, wrappedDek, stored } = facts
  return {
    ...{ versionId, sizeBytes, modifiedAt: new Date(modifiedAtMs).toISOString() },
    ...{ encryption: protection.encryption, algorithm: protection.algorithm, customerKey: protection.customerKey },
    ...{ sealedReplica: facts.isSealedReplica, slot: facts.slot, ownKey: facts.isOwnKey, envelopeId: facts.envelopeId },
    ...(bucketKeyId === undefined ? {} : { bucketKey: { id: bucketKeyId } }),
    dataKey: {
      fingerprint: wrappedDek.fingerprint,
      wrappedBytes: wrappedDek.lengthBytes,
      encryptionContext: wrappedDek.hasContext,
    },
    ...(stored ? { stored: { ...stored, cipher: 'AES-256-GCM' } } : {}),
  }
}
