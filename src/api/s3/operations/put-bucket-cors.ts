import { readXmlBody } from '../checksum-headers.ts'
import { bucketCors } from '../cors.ts'
import { corsRules, MAX_CORS_BYTES } from '../cors-document.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const putBucketCors = defineOperation({
  name: 'PutBucketCors',
  method: 'PUT',
  on: 'bucket',
  query: { cors: true },
  action: 's3:PutBucketCORS',
  parse: bucketTarget,
  run: async (name, { objects, request, body }) => {
    const bucket = objects.buckets.get(name)
    const rules = corsRules(await readXmlBody(request, body, { maxBytes: MAX_CORS_BYTES }))
    await bucketCors.change(objects, bucket, rules)
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
