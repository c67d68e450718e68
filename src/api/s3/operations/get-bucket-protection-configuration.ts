import { bucketProtection, protectionConfiguration } from '../lock/protection.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketProtectionConfiguration = defineOperation({
  name: 'GetBucketProtectionConfiguration',
  method: 'GET',
  on: 'bucket',
  query: { protection: true },
  action: 's3:GetBucketProtection',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const protection = bucketProtection.of(objects, objects.buckets.get(name))
    return xmlReply('ProtectionConfiguration', protectionConfiguration(protection))
  },
})
