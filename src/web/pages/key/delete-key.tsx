import { useState } from 'preact/hooks'
import { actOnKey, deleteKey, keyLabel, type RootKey } from '../../client/key-protect.ts'
import type { Instance } from '../../client/session.ts'
import { formatExact } from '../../format.ts'
import { inShell } from '../../in-shell.ts'
import { keyReference } from '../../links.ts'
import { Checkbox } from '../../parts/checkbox.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Note } from '../../parts/note.tsx'
import { Seal } from '../../parts/seal.tsx'
import { toast } from '../../parts/toast.tsx'
import { useLoad } from '../../use-load.ts'
import { darknessOfKey } from '../impact/impact.ts'
import { WhatGoesDark } from '../impact/what-goes-dark.tsx'
import { WhatHappens } from '../impact/what-happens.tsx'
import { WhoNotices } from '../impact/who-notices.tsx'
import { ActionDrawer } from './action-drawer.tsx'
import type { KeyDrawerProps } from './drawer-props.ts'

/** Where two people are needed, the first sets the key for deletion, and another one deletes it. */
export const needsFirstPerson = ({ dualAuthDelete }: RootKey): boolean =>
  dualAuthDelete.enabled && dualAuthDelete.keySetForDeletion !== true

export function DeleteKey({ instance, rootKey, onClose }: KeyDrawerProps) {
  const [isForced, setForced] = useState(false)
  const impact = useLoad((signal) => darknessOfKey(instance, rootKey, signal), [rootKey.crn])
  const name = keyLabel(rootKey)
  const buckets = impact.value?.buckets
  const isFirst = needsFirstPerson(rootKey)
  const isInUse = impact.value !== undefined && impact.value.buckets.length + impact.value.hidden > 0
  return (
    <ActionDrawer
      title={`Delete ${name}?`}
      sub="For 30 days it can be restored. Then its material is destroyed, and nothing it sealed can ever be read."
      figure={<Seal size={44} isDisabled />}
      typed={name}
      command={`coffer key rm ${inShell(keyReference(instance, rootKey))}${isForced ? ' --force' : ''} --dry-run`}
      note={
        rootKey.dualAuthDelete.enabled ? 'Two people are needed for this key.' : 'One person is enough for this key.'
      }
      keep="Keep it"
      action={isFirst ? 'Set for deletion' : 'Delete key'}
      kind="destroy"
      blockedBecause={
        rootKey.state === 5
          ? 'It is deleted already'
          : buckets === undefined
            ? 'What depends on it is not known yet'
            : isInUse && !isForced
              ? 'Buckets are under this key: move them, or force it'
              : undefined
      }
      failed={isFirst ? `${name} was not set for deletion.` : `${name} was not deleted.`}
      onAct={() => (isFirst ? setForDeletion(instance, rootKey) : remove(instance, rootKey, isForced))}
      onClose={onClose}
    >
      <Loaded load={impact} failed="What depends on this key could not be found out.">
        {({ buckets: dark, recent, hidden }) => (
          <>
            <WhatGoesDark buckets={dark} hidden={hidden} nothing="Nothing: no bucket is under this key." />
            {dark.length > 0 && <WhoNotices buckets={dark} recent={recent} />}
          </>
        )}
      </Loaded>
      <DualAuthorization rootKey={rootKey} />
      {isInUse && (
        <Checkbox label="Force: delete it although buckets are under it" isChecked={isForced} onChange={setForced} />
      )}
      <WhatHappens
        steps={[
          ['At once', isInUse ? 'Reads and writes of its buckets are refused' : 'Nobody can use it'],
          ['30 days', 'It can be restored as it was, with all its versions'],
          ['After', 'Its material is destroyed for good, by nobody to be recovered'],
        ]}
      />
    </ActionDrawer>
  )
}

const DualAuthorization = ({ rootKey: { dualAuthDelete } }: Pick<KeyDrawerProps, 'rootKey'>) =>
  dualAuthDelete.enabled ? (
    <Note tone="warn" icon="people">
      {dualAuthDelete.keySetForDeletion
        ? `One person has agreed; another one deletes it, until ${formatExact(dualAuthDelete.authExpiration ?? '')}.`
        : 'You are the first of two: nothing is deleted until another person confirms it within 7 days.'}
    </Note>
  ) : null

async function setForDeletion(instance: Instance, rootKey: RootKey): Promise<void> {
  await actOnKey(instance, rootKey.id, 'setKeyForDeletion')
  toast(`${keyLabel(rootKey)} waits for another person to delete it`)
}

async function remove(instance: Instance, rootKey: RootKey, force: boolean): Promise<void> {
  await deleteKey(instance, rootKey.id, { force })
  toast(`${keyLabel(rootKey)} was deleted; it can be restored for 30 days`)
}
