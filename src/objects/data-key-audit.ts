import type { AuditTrail } from '../observe/audit-trail.ts'

/** On whose behalf, and for what, the engine uses data keys. */
export interface Asker {
  readonly iamId: string
  /** `s3.GetObject`; work of the engine itself has a name of its own, `store.rewrap`. */
  readonly action: string
  /** What lets the asker do this: names a role or an authorization. */
  readonly reason?: string
  readonly requestId?: string
  readonly sourceIp?: string
  /** W3C: what this is a part of, for key services and whoever is notified. */
  readonly traceparent?: string
}

/** The engine's own work, for nobody in particular. */
export const storeItself = (action: `store.${string}`): Asker => ({
  iamId: 'coffer',
  action,
  reason: 'work of the store',
})

/** One use of a data key, whether its root key was asked or not. */
export interface DataKeyUse {
  readonly asker: Asker
  /** Made for something new, opened for something stored, or put under another key or version. */
  readonly use: 'wrap' | 'unwrap' | 'rewrap'
  /** `object`: of one object or upload. `bucket-metadata`: of what listings show. `bucket`: wraps the other two, and is made only. */
  readonly dataKey: 'object' | 'bucket-metadata' | 'bucket'
  readonly bucket: string
  /** Of the object. */
  readonly key?: string | undefined
  readonly rootKeyCrn: string
  readonly serviceInstanceCrn: string
  /** Of the root key; unknown when nothing could be wrapped. */
  readonly keyVersion?: string | undefined
  /** Present when it failed. */
  readonly code?: string | undefined
}

export type DataKeyAudit = AuditTrail<DataKeyUse>
