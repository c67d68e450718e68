import { intelligentTierings } from '../intelligent-tiering.ts'
import { configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'

export const deleteBucketIntelligentTieringConfiguration = defineOperation({
  name: 'DeleteBucketIntelligentTieringConfiguration',
  method: 'DELETE',
  on: 'bucket',
  query: { 'intelligent-tiering': true, id: true },
  action: 's3:PutIntelligentTieringConfiguration',
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects }) => {
    await intelligentTierings.remove(objects, objects.buckets.get(bucket), id)
    return { status: 204 }
  },
})
