import type { AuditTrail } from '../../observe/audit-trail.ts'
import type { BucketKeys } from '../bucket-keys.ts'
import type { Bucket } from '../buckets.ts'
import type { Engine } from '../engine.ts'
import type { LifecycleRule, TransitionMinimum } from './rule.ts'

/** Something that a rule did, because nobody asked for it. */
export interface LifecycleAct {
  readonly action:
    | 'store.lifecycle-expire'
    | 'store.lifecycle-expire-version'
    | 'store.lifecycle-expire-marker'
    | 'store.lifecycle-transition'
    | 'store.lifecycle-abort-upload'
  readonly bucket: Pick<Bucket, 'id' | 'name' | 'serviceInstanceCrn'>
  readonly key: string
  /** Of a version or delete marker that is not there any more. */
  readonly versionId?: string
  /** Of the delete marker that hides the object now. */
  readonly markerId?: string
  /** Of what was removed or moved. */
  readonly sizeBytes?: number
  /** Where a transition led. */
  readonly storageClass?: string
  /** Id of the rule. */
  readonly rule: string
}

export type LifecycleAudit = AuditTrail<LifecycleAct>

/** What looks at a row, and acts upon it, works with. */
export interface LifecycleWork {
  readonly engine: Engine
  readonly keys: BucketKeys
  readonly bucket: Bucket
  readonly rules: readonly LifecycleRule[]
  readonly transitionMinimum: TransitionMinimum | undefined
  readonly nowMs: number
  readonly dayMs: number
  /** Aborted at the end of the process. */
  readonly signal: AbortSignal
  /** The bucket's rules are still these. To be asked right before each commit: rules that were taken back do nothing more. */
  readonly holds: () => boolean
  /**
   * Before an act: resolves when one more is allowed, to false when the rules are not these any more. Throws AuditUnavailable
   * while it could not be recorded.
   */
  readonly begin: () => Promise<boolean>
  readonly did: (act: Omit<LifecycleAct, 'bucket'>) => void
}
