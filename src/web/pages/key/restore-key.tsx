import { keyLabel, purgeKey, restoreKey } from '../../client/key-protect.ts'
import { formatExact } from '../../format.ts'
import { Note } from '../../parts/note.tsx'
import { Seal } from '../../parts/seal.tsx'
import { toast } from '../../parts/toast.tsx'
import { ActionDrawer } from './action-drawer.tsx'
import type { KeyDrawerProps } from './drawer-props.ts'

export function RestoreKey({ instance, rootKey, onClose }: KeyDrawerProps) {
  const name = keyLabel(rootKey)
  return (
    <ActionDrawer
      title={`Restore ${name}?`}
      sub="With all its versions: what it sealed can be read again."
      command={`coffer key restore ${rootKey.id}`}
      action="Restore key"
      failed={`${name} was not restored.`}
      onAct={async () => {
        await restoreKey(instance, rootKey.id)
        toast(`${name} is restored`)
      }}
      onClose={onClose}
    >
      <Note icon="clock">It can be restored until {formatExact(rootKey.restoreExpirationDate ?? '')}.</Note>
    </ActionDrawer>
  )
}

export function PurgeKey({ instance, rootKey, onClose }: KeyDrawerProps) {
  const name = keyLabel(rootKey)
  return (
    <ActionDrawer
      title={`Purge ${name}?`}
      sub="Now, and for good. Nothing that it sealed can be read again, by anybody."
      figure={<Seal size={44} isDisabled />}
      typed={name}
      command={`curl -X DELETE ${window.location.origin}/api/v2/keys/${rootKey.id}/purge -H "bluemix-instance: ${instance.guid}" -H "authorization: Bearer $TOKEN"`}
      keep="Keep it"
      action="Purge key"
      kind="destroy"
      blockedBecause={
        rootKey.purgeAllowed ? undefined : `It can be purged from ${formatExact(rootKey.purgeAllowedFrom ?? '')} on`
      }
      failed={`${name} was not purged.`}
      onAct={async () => {
        await purgeKey(instance, rootKey.id)
        toast(`${name} is gone`)
      }}
      onClose={onClose}
    >
      <Note tone="bad" icon="alert">
        This cannot be undone. By itself it happens on {formatExact(rootKey.purgeScheduledOn ?? '')}.
      </Note>
    </ActionDrawer>
  )
}
