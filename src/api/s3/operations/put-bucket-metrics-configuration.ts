import { readXmlBody } from '../checksum-headers.ts'
import { metricsConfigurations, readMetrics } from '../metrics-configuration.ts'
import { CONFIGURATION_BODY, configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'

export const putBucketMetricsConfiguration = defineOperation({
  name: 'PutBucketMetricsConfiguration',
  method: 'PUT',
  on: 'bucket',
  query: { metrics: true, id: true },
  action: 's3:PutMetricsConfiguration',
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects, request, body }) => {
    const found = objects.buckets.get(bucket)
    const configuration = readMetrics(await readXmlBody(request, body, CONFIGURATION_BODY), id)
    await metricsConfigurations.put(objects, found, configuration)
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
