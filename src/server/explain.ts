import { hasCode } from '../base/errors.ts'
import { EXIT } from '../base/exit-status.ts'
import { isOfSystem, systemWords } from '../base/system-words.ts'
import { hasErrno } from '../storage/errno.ts'
import { portOwner } from './port-owner.ts'

const KEY_SETTINGS = 'settings: COFFER_INSTANCE_KEY_FILE, COFFER_INSTANCE_PASSPHRASE, COFFER_INSTANCE_PASSPHRASE_FILE'
const ACCEPT_LOSS =
  'With no backup, a start with COFFER_ACCEPT_METADATA_LOSS=true gives up what is lost and goes on with the rest'

/** Why the server does not start, in words for the operator. Causes are not shown: they may quote what they read. */
export function explain(error: unknown): string {
  if (hasCode(error, 'InstanceKeyMissing')) return `${error.message} (${KEY_SETTINGS})  [${error.code}]`
  if (hasCode(error) && error.details['lossIn'] !== undefined)
    return `${error.message}. ${ACCEPT_LOSS}  [${error.code}]`
  if (hasCode(error)) return `${error.message}  [${error.code}]`
  if (!(error instanceof Error)) return String(error)
  if (!isOfSystem(error)) return error.stack ?? error.message
  return error.syscall === 'listen' ? explainListen(error) : `${systemWords(error)}  [${error.code}]`
}

function explainListen(error: Error & { readonly code: unknown }): string {
  const choose = 'choose another address with COFFER_S3_LISTEN or COFFER_CONTROL_LISTEN'
  const port = 'port' in error ? String(error.port) : ''
  if (error.code === 'EADDRINUSE') return `Port ${port} is taken by ${ownerText(port)}. Stop it, or ${choose}.`
  if (error.code === 'EACCES') return `Port ${port} is for privileged processes: ${choose}.`
  return `Coffer cannot listen there (${error.message}): ${choose}.`
}

function ownerText(port: string): string {
  const owner = portOwner(Number(port))
  return owner
    ? `${owner.name} (process ${owner.pid})`
    : `another process, which \`sudo ss -ltnp 'sport = :${port}'\` names`
}

export function exitCode(error: unknown): number {
  if (hasCode(error, 'UsageError')) return EXIT.usage
  if (hasCode(error, 'ConfigInvalid', 'BootstrapInvalid', 'IdentityInvalid', 'IdentityConflict')) return EXIT.config
  if (hasCode(error, 'BackupConflict', 'StoreExists') || hasErrno(error, 'EEXIST')) return EXIT.conflict
  if (hasCode(error, 'NoStore')) return EXIT.noStore
  if (hasCode(error, 'StoreLocked')) return EXIT.storeInUse
  if (hasCode(error) && error.code.startsWith('InstanceKey')) return EXIT.wrongKey
  return EXIT.failed
}
