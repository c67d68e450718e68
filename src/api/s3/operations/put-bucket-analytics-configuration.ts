import { analyticsConfigurations, readAnalytics } from '../analytics-configuration.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { CONFIGURATION_BODY, configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'

export const putBucketAnalyticsConfiguration = defineOperation({
  name: 'PutBucketAnalyticsConfiguration',
  method: 'PUT',
  on: 'bucket',
  query: { analytics: true, id: true },
  action: 's3:PutAnalyticsConfiguration',
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects, request, body }) => {
    const found = objects.buckets.get(bucket)
    const configuration = readAnalytics(await readXmlBody(request, body, CONFIGURATION_BODY), id)
    await analyticsConfigurations.put(objects, found, configuration)
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
