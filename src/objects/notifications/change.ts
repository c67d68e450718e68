import type { BucketKeys } from '../bucket-keys.ts'
import type { Bucket } from '../buckets.ts'
import type { Engine } from '../engine.ts'
import type { NotificationConfiguration } from './configuration.ts'

/** Sets who is told of what happens in a bucket, and tells them that, unless that is not to be tested. */
export async function changeNotifications(
  { documents, notifications, metadata }: Engine,
  { asker }: BucketKeys,
  bucket: Bucket,
  next: NotificationConfiguration | undefined,
  { untested = false }: { readonly untested?: boolean } = {},
): Promise<void> {
  await documents.change(bucket, 'notification', () => next)
  if (untested || !next || next.subscriptions.length === 0) return
  await metadata.commit(next.subscriptions.map((one) => notifications.testWrite(bucket, one, asker)))
  notifications.wake()
}
