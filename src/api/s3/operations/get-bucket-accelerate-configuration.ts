import { acceleration } from '../acceleration.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketAccelerateConfiguration = defineOperation({
  name: 'GetBucketAccelerateConfiguration',
  method: 'GET',
  on: 'bucket',
  query: { accelerate: true },
  action: 's3:GetAccelerateConfiguration',
  parse: bucketTarget,
  run: async (name, { objects }) =>
    xmlReply('AccelerateConfiguration', { Status: acceleration.of(objects, objects.buckets.get(name)) }),
})
