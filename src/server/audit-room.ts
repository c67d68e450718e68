import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ReadableLog } from '../api/admin/activity/look.ts'
import { openSigningKey, type SigningKey } from '../audit/keys.ts'
import { type AuditLog, openAuditLog } from '../audit/log.ts'
import { readLog } from '../audit/read-log.ts'
import { type AuditTrails, trailsOver } from './audit-trails.ts'
import type { RoomOptions } from './room.ts'

/** Beside the stores, so that whoever has the data has its history. */
export const auditDirectory = (dataDir: string): string => join(dataDir, 'audit')

export interface OwnAudit extends AuditTrails {
  readonly publicKey: { readonly keyId: string; readonly publicKeyPem: string }
  /** By the key that signs the log. */
  readonly signBackup: SigningKey['signBackup']
  /** Beneath the trails. */
  readonly log: AuditLog
  readonly reading: ReadableLog
}

/** `onReady`: told whether it takes what is recorded, whenever that may have changed. */
export async function openAudit(
  room: Omit<RoomOptions, 'audit' | 'throttle'>,
  onReady: (isReady: boolean) => void = () => {},
): Promise<OwnAudit> {
  const { config, log, clock, scope, foundation, onStoreFailure } = room
  const directory = auditDirectory(foundation.dataDir)
  const begun = await readdir(directory).catch(() => [])
  if (begun.length === 0 && !foundation.instanceKey.created)
    log.warn(`there is no audit log in ${directory}: one begins`)
  const seed = foundation.instanceKey.derive('audit')
  const key = openSigningKey(seed)
  seed.fill(0)
  const audit = await openAuditLog({
    directory,
    key,
    clock,
    fileBytes: config['audit.file-bytes'],
    maxBytes: config['audit.max-bytes'],
    onFailure: onStoreFailure,
    onTrouble: (message) => log.error(message),
    onReady,
  })
  scope.defer(() => audit.close())
  return {
    ...trailsOver(audit, log),
    publicKey: { keyId: key.keyId, publicKeyPem: key.publicKeyPem },
    signBackup: key.signBackup,
    log: audit,
    reading: { read: (span, order, needles) => readLog(directory, span, order, needles), grown: audit.grown },
  }
}
