import { randomId } from '../../../base/ids.ts'
import type { LifecycleAct } from '../../../objects/lifecycle/act.ts'
import { ownLine } from './line.ts'
import { foundBucket, type Logs } from './record.ts'

/** Who S3 says asks for what it does by itself. */
const REQUESTER = 'AmazonS3'

/** S3's names of classes in its logs. Any other class is told as it tells the move to an archive, which has none. */
const CLASSES: Readonly<Record<string, string>> = {
  STANDARD_IA: 'TRANSITION_SIA',
  ONEZONE_IA: 'TRANSITION_ZIA',
  INTELLIGENT_TIERING: 'TRANSITION_INT',
  GLACIER_IR: 'TRANSITION_GIR',
  DEEP_ARCHIVE: 'TRANSITION_GDA',
}

/** In the log of its bucket. */
export function recordLifecycle(act: LifecycleAct, timeMs: number, { buckets, accessLogs }: Logs): void {
  const bucket = foundBucket(buckets, act.bucket.name)
  if (bucket?.id !== act.bucket.id || !accessLogs.target(bucket)) return
  const line = ownLine({
    ...{ bucketOwner: bucket.ownerId, bucket: bucket.name, timeMs, requester: REQUESTER, requestId: randomId() },
    ...{ operation: operationOf(act), key: act.key, objectBytes: act.sizeBytes },
    versionId: act.markerId ?? act.versionId,
  })
  accessLogs.add(bucket, line, timeMs)
}

function operationOf({ action, markerId, storageClass = '' }: LifecycleAct): string {
  switch (action) {
    case 'store.lifecycle-expire':
      return markerId === undefined ? 'S3.EXPIRE.OBJECT' : 'S3.CREATE.DELETEMARKER'
    case 'store.lifecycle-expire-version':
    case 'store.lifecycle-expire-marker':
      return 'S3.EXPIRE.OBJECT'
    case 'store.lifecycle-transition':
      return `S3.${CLASSES[storageClass] ?? 'TRANSITION'}.OBJECT`
    case 'store.lifecycle-abort-upload':
      return 'S3.DELETE.UPLOAD'
  }
}
