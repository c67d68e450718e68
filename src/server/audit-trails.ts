import type { ActivityTrail } from '../api/common/activity.ts'
import type { SigningKey } from '../audit/keys.ts'
import type { WrapBudget } from '../envelope/wrap-budget.ts'
import type { IamAudit } from '../iam/audit.ts'
import type { KmsAuditEvent } from '../kms/call-record.ts'
import type { DataKeyAudit } from '../objects/data-key-audit.ts'
import type { LifecycleAudit } from '../objects/lifecycle/act.ts'
import type { AuditTrail } from '../observe/audit-trail.ts'

/** Where everything that is done with keys and rights is written down, for each floor in its own words. */
export interface AuditTrails {
  readonly iam: IamAudit
  readonly keys: AuditTrail<KmsAuditEvent>
  readonly dataKeys: DataKeyAudit
  readonly activity: ActivityTrail
  readonly wrapBudgets: AuditTrail<WrapBudget>
  readonly lifecycle: LifecycleAudit
  readonly publicKey: { readonly keyId: string; readonly publicKeyPem: string }
  /** By the key that signs the log. */
  readonly signBackup: SigningKey['signBackup']
  /** False while the disk takes no more of it: then no key is used and nothing is changed. */
  readonly writable: () => boolean
}
