import { bucketTagging } from '../bucket-tagging.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { tagSet } from '../tags.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketTagging = defineOperation({
  name: 'GetBucketTagging',
  method: 'GET',
  on: 'bucket',
  query: { tagging: true },
  action: 's3:GetBucketTagging',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const tags = bucketTagging.of(objects, objects.buckets.get(name))
    if (!tags) throw new S3Error('NoSuchTagSet', undefined, { extra: { BucketName: name } })
    return xmlReply('Tagging', tagSet(tags))
  },
})
