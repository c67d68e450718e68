import type { ObjectEventName, QueuedEvent } from '../../../objects/notifications/event.ts'

/** An event as S3 sends it. */
export function eventMessage(queued: QueuedEvent, region: string): string {
  const { bucket, event, timeMs, requestId } = queued
  const time = new Date(timeMs).toISOString()
  if (!event) {
    const test = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: time }
    return JSON.stringify({ ...test, Bucket: bucket.name, RequestId: requestId, HostId: requestId })
  }
  const record = {
    eventVersion: versionOf(event.name),
    eventSource: 'aws:s3',
    awsRegion: region,
    eventTime: time,
    eventName: event.name,
    userIdentity: { principalId: queued.iamId },
    requestParameters: { sourceIPAddress: queued.sourceIp },
    responseElements: { 'x-amz-request-id': requestId, 'x-amz-id-2': requestId },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: queued.subscription,
      bucket: {
        name: bucket.name,
        ownerIdentity: { principalId: bucket.ownerId },
        arn: `arn:aws:s3:::${bucket.name}`,
      },
      object: {
        key: formEncoded(event.key),
        size: event.sizeBytes,
        eTag: event.etag,
        versionId: event.versionId,
        sequencer: queued.sequencer,
      },
    },
    ...(event.storageClass === undefined
      ? {}
      : { lifecycleEventData: { transitionEventData: { destinationStorageClass: event.storageClass } } }),
  }
  return JSON.stringify({ Records: [record] })
}

/** S3: of its structure, by what an event is of. */
const versionOf = (name: ObjectEventName): string => (/^(Lifecycle|ObjectAcl|ObjectTagging)/.test(name) ? '2.3' : '2.1')

/** S3: as in a form, where a space is `+`; slashes stay. */
const formEncoded = (key: string): string =>
  new URLSearchParams([['', key]]).toString().slice(1).replaceAll('%2F', '/').replaceAll('*', '%2A')
