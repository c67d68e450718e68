import type { Instance } from '../../client/session.ts'
import { inShell } from '../../in-shell.ts'
import type { Draft } from './draft.ts'
import { locationConstraint } from './location.ts'

/** The command that makes the same bucket. */
export function commandOf(draft: Draft, instance: Instance | undefined, keyName: string | undefined): string {
  const location = locationConstraint(draft.location, draft.storageClass)
  const words = [
    'coffer bucket create',
    draft.name || 'NAME',
    draft.isVersioned || draft.isLocked ? '--versioning' : '',
    draft.isLocked ? '--object-lock' : '',
    location === undefined || draft.storageClass === 'standard' ? '' : `--location ${location}`,
    draft.encryption === 'customer'
      ? `--key ${keyName === undefined ? 'INSTANCE/KEY' : inShell(`${instance?.name}/${keyName}`)}`
      : '',
  ]
  return words.filter((word) => word !== '').join(' ')
}
