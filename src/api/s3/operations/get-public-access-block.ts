import { BLOCK_ALL, publicAccessBlock } from '../access/documents.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getPublicAccessBlock = defineOperation({
  name: 'GetPublicAccessBlock',
  method: 'GET',
  on: 'bucket',
  query: { publicAccessBlock: true },
  action: 's3:GetBucketPublicAccessBlock',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const stored = publicAccessBlock.of(objects, objects.buckets.get(name))
    if (stored === null) {
      throw new S3Error('NoSuchPublicAccessBlockConfiguration', undefined, { extra: { BucketName: name } })
    }
    const { blockPublicAcls, ignorePublicAcls, blockPublicPolicy, restrictPublicBuckets } = stored ?? BLOCK_ALL
    return xmlReply('PublicAccessBlockConfiguration', {
      BlockPublicAcls: blockPublicAcls,
      IgnorePublicAcls: ignorePublicAcls,
      BlockPublicPolicy: blockPublicPolicy,
      RestrictPublicBuckets: restrictPublicBuckets,
    })
  },
})
