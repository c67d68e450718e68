import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { bucketWebsite } from '../website/configuration.ts'
import { websiteContent } from '../website/document.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketWebsite = defineOperation({
  name: 'GetBucketWebsite',
  method: 'GET',
  on: 'bucket',
  query: { website: true },
  action: 's3:GetBucketWebsite',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const website = bucketWebsite.of(objects, objects.buckets.get(name))
    if (!website) throw new S3Error('NoSuchWebsiteConfiguration', undefined, { extra: { BucketName: name } })
    return xmlReply('WebsiteConfiguration', websiteContent(website))
  },
})
