import { bucketTagging } from '../bucket-tagging.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { defineOperation } from '../operation.ts'
import { bucketTags, TAGGING_BODY } from '../tags.ts'
import { bucketTarget } from '../target.ts'

export const putBucketTagging = defineOperation({
  name: 'PutBucketTagging',
  method: 'PUT',
  on: 'bucket',
  query: { tagging: true },
  action: 's3:PutBucketTagging',
  asksItself: true,
  parse: bucketTarget,
  run: async (name, { objects, request, body, require }) => {
    const bucket = objects.buckets.get(name)
    const tags = bucketTags(await readXmlBody(request, body, TAGGING_BODY))
    await require({ bucket: name, action: 's3:PutBucketTagging', bucketTags: tags })
    await bucketTagging.change(objects, bucket, tags.length > 0 ? tags : undefined)
    return { status: 204 }
  },
})
