import { readXmlBody } from '../checksum-headers.ts'
import { intelligentTierings, readIntelligentTiering } from '../intelligent-tiering.ts'
import { CONFIGURATION_BODY, configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'

export const putBucketIntelligentTieringConfiguration = defineOperation({
  name: 'PutBucketIntelligentTieringConfiguration',
  method: 'PUT',
  on: 'bucket',
  query: { 'intelligent-tiering': true, id: true },
  action: 's3:PutIntelligentTieringConfiguration',
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects, request, body }) => {
    const found = objects.buckets.get(bucket)
    const configuration = readIntelligentTiering(await readXmlBody(request, body, CONFIGURATION_BODY), id)
    await intelligentTierings.put(objects, found, configuration)
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
