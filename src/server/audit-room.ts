import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openSigningKey } from '../audit/keys.ts'
import { openAuditLog } from '../audit/log.ts'
import type { KmsAuditEvent } from '../kms/call-record.ts'
import {
  activityEvent,
  dataKeyEvent,
  iamEvent,
  keyEvent,
  lifecycleEvent,
  translated,
  wrapBudgetEvent,
} from './audit-events.ts'
import type { AuditTrails } from './audit-trails.ts'
import { keyAudit } from './key-audit.ts'
import type { RoomOptions } from './room.ts'

/** Beside the stores, so that whoever has the data has its history. */
export const auditDirectory = (dataDir: string): string => join(dataDir, 'audit')

export async function openAudit(room: Omit<RoomOptions, 'audit' | 'throttle'>): Promise<AuditTrails> {
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
  })
  scope.defer(() => audit.close())
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
    publicKey: { keyId: key.keyId, publicKeyPem: key.publicKeyPem },
    signBackup: key.signBackup,
    writable: audit.writable,
  }
}
