import { type BucketEncryption, bucketEncryption } from '../bucket-encryption.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketEncryption = defineOperation({
  name: 'GetBucketEncryption',
  method: 'GET',
  on: 'bucket',
  query: { encryption: true },
  action: 's3:GetEncryptionConfiguration',
  parse: bucketTarget,
  run: async (name, { objects, settings }) => {
    const bucket = objects.buckets.get(name)
    const { rootKeyCrn, encryption, slot, slots } = bucket
    const own = encryption === 'customer-managed'
    const said = bucketEncryption.of(objects, bucket)
    // S3 before 2023: what nobody said is not answered.
    if (!said && !own && settings.bucketDefaults === 'classic') {
      throw new S3Error('ServerSideEncryptionConfigurationNotFoundError', undefined, { extra: { BucketName: name } })
    }
    const set: BucketEncryption = { algorithm: own ? 'aws:kms' : 'AES256', ...said }
    const usual = slots.some(({ id, kind }) => id === slot && kind === 'bucket-key')
    const key = set.unnamed ? undefined : (set.keyName ?? (own ? rootKeyCrn : undefined))
    return xmlReply('ServerSideEncryptionConfiguration', {
      Rule: {
        ApplyServerSideEncryptionByDefault: {
          SSEAlgorithm: set.algorithm,
          ...(key === undefined ? {} : { KMSMasterKeyID: key }),
        },
        BucketKeyEnabled: set.bucketKey ?? usual,
        ...(set.blocked ? { BlockedEncryptionTypes: { EncryptionType: set.blocked } } : {}),
      },
    })
  },
})
