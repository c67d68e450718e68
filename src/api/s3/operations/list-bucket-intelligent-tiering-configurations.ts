import { intelligentTieringContent, intelligentTierings } from '../intelligent-tiering.ts'
import { listContent, listTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'
import { xmlReply } from '../xml-reply.ts'

export const listBucketIntelligentTieringConfigurations = defineOperation({
  name: 'ListBucketIntelligentTieringConfigurations',
  method: 'GET',
  on: 'bucket',
  query: { 'intelligent-tiering': true },
  action: 's3:GetIntelligentTieringConfiguration',
  parse: listTarget,
  run: async (target, { objects }) => {
    const all = intelligentTierings.all(objects, objects.buckets.get(target.bucket))
    return xmlReply(
      'ListBucketIntelligentTieringConfigurationsOutput',
      listContent('IntelligentTieringConfiguration', all, target, intelligentTieringContent),
    )
  },
})
