import { analyticsConfigurations } from '../analytics-configuration.ts'
import { configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'

export const deleteBucketAnalyticsConfiguration = defineOperation({
  name: 'DeleteBucketAnalyticsConfiguration',
  method: 'DELETE',
  on: 'bucket',
  query: { analytics: true, id: true },
  action: 's3:PutAnalyticsConfiguration',
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects }) => {
    await analyticsConfigurations.remove(objects, objects.buckets.get(bucket), id)
    return { status: 204 }
  },
})
