import { lifecycleFrom } from '../../../objects/lifecycle/rule.ts'
import { S3Error } from '../error-codes.ts'
import { TRANSITION_MINIMUM } from '../lifecycle/minimum.ts'
import { lifecycleContent } from '../lifecycle/write-configuration.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketLifecycleConfiguration = defineOperation({
  name: 'GetBucketLifecycleConfiguration',
  method: 'GET',
  on: 'bucket',
  query: { lifecycle: true },
  action: 's3:GetLifecycleConfiguration',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const configuration = lifecycleFrom(objects.document(objects.buckets.get(name), 'lifecycle'))
    if (!configuration) throw new S3Error('NoSuchLifecycleConfiguration', undefined, { extra: { BucketName: name } })
    return xmlReply('LifecycleConfiguration', lifecycleContent(configuration), {
      [TRANSITION_MINIMUM]: configuration.transitionMinimum,
    })
  },
})
