import { ACCELERATION_BODY, acceleration, readAcceleration } from '../acceleration.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const putBucketAccelerateConfiguration = defineOperation({
  name: 'PutBucketAccelerateConfiguration',
  method: 'PUT',
  on: 'bucket',
  query: { accelerate: true },
  action: 's3:PutAccelerateConfiguration',
  parse: bucketTarget,
  run: async (name, { objects, request, body }) => {
    const bucket = objects.buckets.get(name)
    const status = readAcceleration(await readXmlBody(request, body, ACCELERATION_BODY))
    await acceleration.change(objects, bucket, status)
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
