import { bucketCors } from '../cors.ts'
import { corsContent } from '../cors-document.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketCors = defineOperation({
  name: 'GetBucketCors',
  method: 'GET',
  on: 'bucket',
  query: { cors: true },
  action: 's3:GetBucketCORS',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const rules = bucketCors.of(objects, objects.buckets.get(name))
    if (!rules) throw new S3Error('NoSuchCORSConfiguration', undefined, { extra: { BucketName: name } })
    return xmlReply('CORSConfiguration', corsContent(rules))
  },
})
