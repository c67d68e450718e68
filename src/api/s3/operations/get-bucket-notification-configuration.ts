import { notificationsFrom, type Subscription } from '../../../objects/notifications/configuration.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import type { XmlContent } from '../xml/encode.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketNotificationConfiguration = defineOperation({
  name: 'GetBucketNotificationConfiguration',
  method: 'GET',
  on: 'bucket',
  query: { notification: true },
  action: 's3:GetBucketNotification',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const all = notificationsFrom(objects.document(objects.buckets.get(name), 'notification'))?.subscriptions ?? []
    const of = (kind: Subscription['kind'], member: string): XmlContent =>
      all.filter((one) => one.kind === kind).map((one) => content(one, member))
    return xmlReply('NotificationConfiguration', {
      TopicConfiguration: of('topic', 'Topic'),
      QueueConfiguration: of('queue', 'Queue'),
      CloudFunctionConfiguration: of('function', 'CloudFunction'),
    })
  },
})

function content({ id, arn, events, prefix, suffix }: Subscription, member: string): XmlContent {
  const rules = [
    ...(prefix === undefined ? [] : [{ Name: 'Prefix', Value: prefix }]),
    ...(suffix === undefined ? [] : [{ Name: 'Suffix', Value: suffix }]),
  ]
  return {
    Id: id,
    [member]: arn,
    Event: events.map((event) => `s3:${event}`),
    Filter: rules.length > 0 ? { S3Key: { FilterRule: rules } } : undefined,
  }
}
