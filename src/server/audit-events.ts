import type { Activity } from '../api/common/activity.ts'
import type { AuditEvent } from '../audit/event.ts'
import type { WrapBudget } from '../envelope/wrap-budget.ts'
import type { IamAuditEvent } from '../iam/audit.ts'
import type { KmsAuditEvent } from '../kms/call-record.ts'
import type { DataKeyUse } from '../objects/data-key-audit.ts'
import type { LifecycleAct } from '../objects/lifecycle/act.ts'
import type { AuditTrail } from '../observe/audit-trail.ts'

/** What a floor says, in the words of the audit log. */
export const translated = <Event>(log: AuditTrail<AuditEvent>, translate: (event: Event) => AuditEvent) => ({
  ready: log.ready,
  record: (event: Event) => log.record(translate(event)),
  settled: log.settled,
})

export const iamEvent = (event: IamAuditEvent): AuditEvent => ({ kind: 'iam', ...event })

export const activityEvent = (event: Activity): AuditEvent => ({ kind: 'activity', ...event })

export const keyEvent = (event: KmsAuditEvent): AuditEvent => ({
  kind: 'key',
  action: event.action,
  outcome: event.outcome,
  iamId: event.iamId,
  target: event.keyCrn ?? targetOf(event),
  code: event.code,
  reason: event.reason,
  why: event.why,
  key: event.keyCrn,
  keyVersion: event.keyVersion,
  correlationId: event.correlationId,
  sourceIp: event.address,
})

/** What was asked for, where no key is known by that name. */
const targetOf = ({ instance, key, keyRing }: KmsAuditEvent): string =>
  key !== undefined ? `${instance}:key:${key}` : keyRing !== undefined ? `${instance}:key-ring:${keyRing}` : instance

/** What is unknown is undefined and not left out, so that all have one shape: 0.6 µs to make and write one down, else 2.2. */
export const dataKeyEvent = (use: DataKeyUse): AuditEvent => ({
  kind: 'data-key',
  action: use.asker.action,
  outcome: use.code === undefined ? 'success' : 'failure',
  iamId: use.asker.iamId,
  service: use.serviceInstanceCrn,
  target: bucketCrn(use.serviceInstanceCrn, use.bucket),
  key: use.rootKeyCrn,
  use: use.use,
  dataKey: use.dataKey,
  code: use.code,
  reason: use.asker.reason,
  object: use.key,
  keyVersion: use.keyVersion,
  requestId: use.asker.requestId,
  sourceIp: use.asker.sourceIp,
})

/** What a rule of a bucket did by itself. */
export const lifecycleEvent = ({ action, bucket, key, versionId, rule }: LifecycleAct): AuditEvent => ({
  ...{ kind: 'activity', action, outcome: 'success' },
  iamId: 'coffer',
  reason: `lifecycle rule ${rule}${versionId === undefined ? '' : `, version ${versionId}`}`,
  service: bucket.serviceInstanceCrn,
  target: bucketCrn(bucket.serviceInstanceCrn, bucket.name),
  object: key,
})

/** CRNs of instances end with two empty segments. */
const bucketCrn = (instanceCrn: string, bucket: string): string =>
  `${instanceCrn.endsWith('::') ? instanceCrn.slice(0, -1) : `${instanceCrn}:`}bucket:${bucket}`

/** A version of a root key is near the number of data keys that it may safely wrap, or wraps nothing more. */
export const wrapBudgetEvent = ({ rootKeyCrn, keyVersion, state }: WrapBudget): AuditEvent => ({
  kind: 'key',
  action: state === 'spent' ? 'store.wrap-budget.spent' : 'store.wrap-budget.near',
  iamId: 'coffer',
  target: rootKeyCrn,
  key: rootKeyCrn,
  keyVersion: keyVersion === '' ? undefined : keyVersion,
  ...(state === 'spent' ? { outcome: 'failure', code: 'WrapBudgetSpent' } : { outcome: 'success' }),
})

/** What the server does by itself at a start. */
export const ownEvent = (action: string, target: string): IamAuditEvent => ({
  ...{ action, target, outcome: 'success' },
  iamId: 'coffer',
})
