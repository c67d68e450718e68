import { S3Error } from '../error-codes.ts'
import { lockConfiguration, objectLock } from '../lock/configuration.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getObjectLockConfiguration = defineOperation({
  name: 'GetObjectLockConfiguration',
  method: 'GET',
  on: 'bucket',
  query: { 'object-lock': true },
  action: 's3:GetBucketObjectLockConfiguration',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const document = objectLock.of(objects, objects.buckets.get(name))
    if (!document) {
      throw new S3Error('ObjectLockConfigurationNotFoundError', undefined, { extra: { BucketName: name } })
    }
    return xmlReply('ObjectLockConfiguration', lockConfiguration(document))
  },
})
