import type { Asker } from '../data-key-audit.ts'

/** What happens to objects, as S3 names it. */
export type ObjectEventName =
  | 'ObjectCreated:Put'
  | 'ObjectCreated:Post'
  | 'ObjectCreated:Copy'
  | 'ObjectCreated:CompleteMultipartUpload'
  | 'ObjectRemoved:Delete'
  | 'ObjectRemoved:DeleteMarkerCreated'
  | 'ObjectTagging:Put'
  | 'ObjectTagging:Delete'
  | 'ObjectAcl:Put'
  | 'LifecycleExpiration:Delete'
  | 'LifecycleExpiration:DeleteMarkerCreated'
  | 'LifecycleTransition'

export interface ObjectEvent {
  readonly name: ObjectEventName
  readonly key: string
  /** Of what is there now; absent when nothing is. */
  readonly sizeBytes?: number
  readonly etag?: string
  /** Where a transition led. */
  readonly storageClass?: string
  /** Told only in a bucket that has, or had, versioning. */
  readonly versionId?: string | undefined
}

/** For a target: told at least once. */
export interface QueuedEvent {
  /** Of the settings. */
  readonly target: string
  readonly subscription: string
  readonly bucket: { readonly name: string; readonly ownerId: string }
  readonly timeMs: number
  /** Undefined: the bucket was told to tell, nothing happened. */
  readonly event: ObjectEvent | undefined
  /** Of two events of one key the later one has the greater, as text. */
  readonly sequencer: string
  readonly iamId: string
  readonly requestId: string
  readonly sourceIp: string
  /** W3C: what the request was a part of. */
  readonly traceparent?: string
}

const CREATED: Readonly<Record<string, ObjectEventName>> = {
  's3.PostObject': 'ObjectCreated:Post',
  's3.CopyObject': 'ObjectCreated:Copy',
  's3.CompleteMultipartUpload': 'ObjectCreated:CompleteMultipartUpload',
}
const CHANGED: Readonly<Record<string, ObjectEventName>> = {
  's3.PutObjectTagging': 'ObjectTagging:Put',
  's3.DeleteObjectTagging': 'ObjectTagging:Delete',
  's3.PutObjectAcl': 'ObjectAcl:Put',
}

export const createdBy = ({ action }: Asker): ObjectEventName => CREATED[action] ?? 'ObjectCreated:Put'

/** Undefined: of that S3 tells nobody. */
export const changedBy = ({ action }: Asker): ObjectEventName | undefined => CHANGED[action]

export function removedBy({ action }: Asker, marker: boolean): ObjectEventName {
  const what = marker ? 'DeleteMarkerCreated' : 'Delete'
  return action === 'store.lifecycle' ? `LifecycleExpiration:${what}` : `ObjectRemoved:${what}`
}
