import { defineOperation } from '../operation.ts'
import { integer } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

const PARAMETERS = ['max-buckets', 'continuation-token', 'prefix', 'bucket-region']

export const listBuckets = defineOperation({
  name: 'ListBuckets',
  method: 'GET',
  on: 'service',
  action: 's3:ListAllMyBuckets',
  parse: ({ query }) => ({
    limit: integer('max-buckets', query.get('max-buckets') ?? '10000', 1, 10_000),
    after: Buffer.from(query.get('continuation-token') ?? '', 'base64url').toString('utf8'),
    prefix: query.get('prefix') ?? '',
    region: query.get('bucket-region'),
    paged: PARAMETERS.some((name) => query.has(name)),
  }),
  run: async ({ limit, after, prefix, region, paged }, { objects, serviceInstanceCrn, owner, settings }) => {
    const mine = objects.buckets
      .all()
      .filter((bucket) => bucket.serviceInstanceCrn === serviceInstanceCrn)
      .filter(({ name }) => name.startsWith(prefix) && name > after && (region ?? settings.region) === settings.region)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const page = mine.slice(0, limit)
    const last = page.at(-1)
    return xmlReply('ListAllMyBucketsResult', {
      Owner: { ID: owner.id, DisplayName: owner.displayName },
      Buckets: {
        Bucket: page.map((bucket) => ({
          Name: bucket.name,
          CreationDate: new Date(bucket.createdAtMs).toISOString(),
          ...(paged ? { BucketRegion: settings.region } : {}),
        })),
      },
      ...(prefix ? { Prefix: prefix } : {}),
      ...(mine.length > limit && last ? { ContinuationToken: Buffer.from(last.name).toString('base64url') } : {}),
    })
  },
})
