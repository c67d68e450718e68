import { readXmlBody } from '../checksum-headers.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { bucketWebsite } from '../website/configuration.ts'
import { readWebsite, WEBSITE_BODY } from '../website/document.ts'

export const putBucketWebsite = defineOperation({
  name: 'PutBucketWebsite',
  method: 'PUT',
  on: 'bucket',
  query: { website: true },
  action: 's3:PutBucketWebsite',
  parse: bucketTarget,
  run: async (name, { objects, request, body }) => {
    const bucket = objects.buckets.get(name)
    await bucketWebsite.change(objects, bucket, readWebsite(await readXmlBody(request, body, WEBSITE_BODY)))
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
