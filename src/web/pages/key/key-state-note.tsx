import { type ActivityEntry, whoOf } from '../../client/activity.ts'
import { keyLabel, type RootKey } from '../../client/key-protect.ts'
import type { Instance } from '../../client/session.ts'
import { formatAgo, formatExact } from '../../format.ts'
import { Button } from '../../parts/button.tsx'
import { Note } from '../../parts/note.tsx'
import { useKeyRights } from '../../use-rights.ts'
import { openDrawer } from './key-drawers.tsx'

export interface KeyStateNoteProps {
  readonly instance: Instance
  readonly rootKey: RootKey
  readonly history: readonly ActivityEntry[] | undefined
}

/** Why the key is not in use, who did it, and what can be done. */
export function KeyStateNote({ instance, rootKey, history }: KeyStateNoteProps) {
  const missing = useKeyRights(instance, rootKey)
  const name = keyLabel(rootKey)
  if (rootKey.state === 2) {
    const last = history?.find(({ action, outcome }) => outcome === 'success' && /disable$/.test(action))
    return (
      <Note
        tone="bad"
        icon="lock"
        actions={
          <Button
            isSmall
            icon="unlock"
            disabledBecause={missing('kms.secrets.enable')}
            onClick={() => openDrawer('enable')}
          >
            Enable…
          </Button>
        }
      >
        <b>{name} is disabled.</b> What it protects can be neither read nor written. The data is intact.
        {last && (
          <>
            {' '}
            {whoOf(last)} disabled it {formatAgo(last.time)}
            {last.why === undefined ? '.' : `: “${last.why}”.`}
          </>
        )}
      </Note>
    )
  }
  if (rootKey.state === 5) {
    return (
      <Note tone="bad" icon="trash">
        <b>{name} was deleted</b> {formatAgo(rootKey.deletionDate ?? '')}.{' '}
        {rootKey.restoreAllowed
          ? `It can be restored until ${formatExact(rootKey.restoreExpirationDate ?? '')}; then its material is destroyed and what it sealed can never be read.`
          : 'It can no longer be restored: what it sealed can never be read.'}
      </Note>
    )
  }
  if (rootKey.state === 3) {
    return (
      <Note tone="warn" icon="clock">
        <b>{name} expired</b> {formatAgo(rootKey.expirationDate ?? '')}. It still opens what it sealed; nothing new is
        sealed with it.
      </Note>
    )
  }
  if (rootKey.dualAuthDelete.keySetForDeletion) {
    return (
      <Note
        tone="warn"
        icon="people"
        actions={
          <Button
            isSmall
            kind="danger"
            disabledBecause={missing('kms.secrets.delete')}
            onClick={() => openDrawer('delete')}
          >
            Delete…
          </Button>
        }
      >
        <b>{name} is set for deletion.</b> Another person confirms it until{' '}
        {formatExact(rootKey.dualAuthDelete.authExpiration ?? '')}, or nothing happens.
      </Note>
    )
  }
  return null
}
