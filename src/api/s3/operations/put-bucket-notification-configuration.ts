import { readXmlBody } from '../checksum-headers.ts'
import { readNotifications } from '../notifications/read-configuration.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

const MAX_BODY_BYTES = 1024 * 1024

export const putBucketNotificationConfiguration = defineOperation({
  name: 'PutBucketNotificationConfiguration',
  method: 'PUT',
  on: 'bucket',
  query: { notification: true },
  action: 's3:PutBucketNotification',
  parse: (request) => ({
    name: bucketTarget(request),
    untested: request.headers.get('x-amz-skip-destination-validation')?.toLowerCase() === 'true',
  }),
  run: async ({ name, untested }, { objects, request, body, settings }) => {
    const bucket = objects.buckets.get(name)
    const document = await readXmlBody(request, body, { maxBytes: MAX_BODY_BYTES })
    const configuration = readNotifications(document, settings.notificationTargets)
    await objects.changeNotifications(bucket, configuration, { untested })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
