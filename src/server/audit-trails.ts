import type { ActivityTrail } from '../api/common/activity.ts'
import type { AuditEvent } from '../audit/event.ts'
import type { WrapBudget } from '../envelope/wrap-budget.ts'
import type { IamAudit } from '../iam/audit.ts'
import type { KmsAuditEvent } from '../kms/call-record.ts'
import type { DataKeyAudit } from '../objects/data-key-audit.ts'
import type { LifecycleAudit } from '../objects/lifecycle/act.ts'
import type { AuditTrail } from '../observe/audit-trail.ts'
import type { Logger } from '../observe/logger.ts'
import {
  activityEvent,
  dataKeyEvent,
  iamEvent,
  keyEvent,
  lifecycleEvent,
  translated,
  wrapBudgetEvent,
} from './audit-events.ts'
import { keyAudit } from './key-audit.ts'

/** Where everything that is done with keys and rights is written down, for each floor in its own words. */
export interface AuditTrails {
  readonly iam: IamAudit
  readonly keys: AuditTrail<KmsAuditEvent>
  readonly dataKeys: DataKeyAudit
  readonly activity: ActivityTrail
  readonly wrapBudgets: AuditTrail<WrapBudget>
  readonly lifecycle: LifecycleAudit
  /** False while the disk takes no more of it: then no key is used and nothing is changed. */
  readonly writable: () => boolean
}

/** All of them into one log. */
export function trailsOver(audit: AuditTrail<AuditEvent> & Pick<AuditTrails, 'writable'>, log: Logger): AuditTrails {
  const logged = keyAudit(log)
  const keys = translated<KmsAuditEvent>(audit, keyEvent)
  return {
    iam: translated(audit, iamEvent),
    keys: {
      ...keys,
      record: (event) => {
        logged(event)
        keys.record(event)
      },
    },
    dataKeys: translated(audit, dataKeyEvent),
    activity: translated(audit, activityEvent),
    wrapBudgets: translated(audit, wrapBudgetEvent),
    lifecycle: translated(audit, lifecycleEvent),
    writable: audit.writable,
  }
}
