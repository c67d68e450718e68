import { formatCrn } from '../base/crn.ts'
import type { Instance } from '../iam/instances.ts'
import type { AliasRecord } from './aliases.ts'
import type { KeyEntry } from './catalog.ts'
import { hasMaterial, type KmsContext, newestVersion, stateOf } from './context.ts'
import { pendingDeletion } from './dual-authorization.ts'
import type { KeyEvent, KeyEventType } from './key-events.ts'
import { KEY_STATE, type KeyState } from './key-states.ts'
import type { KeyRecord } from './keys.ts'

/** What may be told about a key: never its material. */
export interface KeyView {
  readonly crn: string
  readonly record: KeyRecord
  readonly state: KeyState
  readonly aliases: readonly string[]
  /** Root keys. */
  readonly currentVersion?: KeyVersionView
  readonly dualAuthDelete: DualAuthView
  /** Deleted keys. */
  readonly deletion?: DeletionView
}

export interface KeyVersionView {
  readonly id: string
  readonly createdAt: number
}

export interface DualAuthView {
  readonly enabled: boolean
  /** Set for deletion: until when. */
  readonly authorizationExpiresAt?: number
}

export interface DeletionView {
  readonly at: number
  readonly by: string
  readonly restoreAllowed: boolean
  readonly restoreExpiresAt: number
  readonly purgeAllowed: boolean
  readonly purgeAllowedFrom: number
  readonly purgeScheduledOn: number
}

export interface AliasView extends AliasRecord {
  readonly alias: string
}

export function keyView(context: KmsContext, instance: Instance, entry: KeyEntry): KeyView {
  const { record } = entry
  const { id, createdAt } = newestVersion(entry)
  const deletion = deletionView(context, entry)
  return {
    crn: keyCrn(instance, entry.id),
    record,
    state: stateOf(context, entry),
    aliases: [...entry.aliases.keys()],
    ...(record.extractable ? {} : { currentVersion: { id, createdAt } }),
    dualAuthDelete: dualAuthView(context, record),
    ...(deletion ? { deletion } : {}),
  }
}

export const keyEvent = (context: KmsContext, instance: Instance, type: KeyEventType, entry: KeyEntry): KeyEvent => ({
  type,
  atMs: context.now(),
  keyCrn: keyCrn(instance, entry.id),
  keyVersion: newestVersion(entry).id,
  state: stateOf(context, entry),
})

function dualAuthView({ now }: KmsContext, record: KeyRecord): DualAuthView {
  const pending = pendingDeletion(record, now())
  return {
    enabled: record.dualAuthDelete?.enabled === true,
    ...(pending ? { authorizationExpiresAt: pending.expiresAt } : {}),
  }
}

export const keyCrn = (instance: Instance, keyId: string): string => crnIn(instance, 'key', keyId)

export const policyCrn = (instance: Instance, policyId: string): string => crnIn(instance, 'policy', policyId)

const crnIn = (instance: Instance, resourceType: string, resource: string): string =>
  formatCrn({
    service: 'kms',
    region: instance.region,
    account: instance.accountId,
    instance: instance.guid,
    resourceType,
    resource,
  })

function deletionView({ settings, now }: KmsContext, entry: KeyEntry): DeletionView | undefined {
  const { record } = entry
  const { state, deletedAt: at, deletedBy: by } = record
  if (state !== KEY_STATE.destroyed || at === undefined || by === undefined) return undefined
  // Key Protect: whichever is sooner, the end of the window or the key's own expiration.
  const restoreExpiresAt = Math.min(at + settings.restoreWindowMs, record.expiresAt ?? Number.POSITIVE_INFINITY)
  const purgeAllowedFrom = at + settings.purgeDelayMs
  return {
    at,
    by,
    restoreAllowed: hasMaterial(entry) && !record.extractable && now() < restoreExpiresAt,
    restoreExpiresAt,
    purgeAllowed: now() >= purgeAllowedFrom,
    purgeAllowedFrom,
    purgeScheduledOn: at + settings.purgeAfterMs,
  }
}
