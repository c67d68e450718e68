import { intelligentTieringContent, intelligentTierings } from '../intelligent-tiering.ts'
import { configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketIntelligentTieringConfiguration = defineOperation({
  name: 'GetBucketIntelligentTieringConfiguration',
  method: 'GET',
  on: 'bucket',
  query: { 'intelligent-tiering': true, id: true },
  action: 's3:GetIntelligentTieringConfiguration',
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects }) =>
    xmlReply(
      'IntelligentTieringConfiguration',
      intelligentTieringContent(intelligentTierings.get(objects, objects.buckets.get(bucket), id)),
    ),
})
