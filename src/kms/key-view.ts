import { formatCrn } from '../base/crn.ts'
import type { Instance } from '../iam/instances.ts'
import type { AliasRecord } from './aliases.ts'
import type { KeyEntry } from './catalog.ts'
import { type KmsContext, newestVersion, stateOf } from './context.ts'
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
  /** Deleted keys. */
  readonly deletion?: DeletionView
}

export interface KeyVersionView {
  readonly id: string
  readonly createdAt: number
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
  const deletion = deletionView(context, record)
  return {
    crn: keyCrn(instance, entry.id),
    record,
    state: stateOf(context, entry),
    aliases: [...entry.aliases.keys()],
    ...(record.extractable ? {} : { currentVersion: { id, createdAt } }),
    ...(deletion ? { deletion } : {}),
  }
}

export const keyCrn = (instance: Instance, keyId: string): string =>
  formatCrn({
    service: 'kms',
    region: instance.region,
    account: instance.accountId,
    instance: instance.guid,
    resourceType: 'key',
    resource: keyId,
  })

function deletionView({ settings, now }: KmsContext, record: KeyRecord): DeletionView | undefined {
  const { state, deletedAt: at, deletedBy: by } = record
  if (state !== KEY_STATE.destroyed || at === undefined || by === undefined) return undefined
  const restoreExpiresAt = at + settings.restoreWindowMs
  const purgeAllowedFrom = at + settings.purgeDelayMs
  return {
    at,
    by,
    restoreAllowed: !record.erased && !record.extractable && now() < restoreExpiresAt,
    restoreExpiresAt,
    purgeAllowed: now() >= purgeAllowedFrom,
    purgeAllowedFrom,
    purgeScheduledOn: at + settings.purgeAfterMs,
  }
}
