import { actOnKey, keyLabel } from '../../client/key-protect.ts'
import { counted } from '../../format.ts'
import { inShell } from '../../in-shell.ts'
import { keyReference } from '../../links.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Note } from '../../parts/note.tsx'
import { toast } from '../../parts/toast.tsx'
import { useLoad } from '../../use-load.ts'
import { darknessOfKey } from '../impact/impact.ts'
import { ActionDrawer } from './action-drawer.tsx'
import type { KeyDrawerProps } from './drawer-props.ts'

export function EnableKey({ instance, rootKey, onClose }: KeyDrawerProps) {
  const impact = useLoad((signal) => darknessOfKey(instance, rootKey, signal), [rootKey.crn])
  const name = keyLabel(rootKey)
  return (
    <ActionDrawer
      title={`Enable ${name}?`}
      sub="What it protects can be read and written again."
      command={`coffer key enable ${inShell(keyReference(instance, rootKey))}`}
      action="Enable key"
      failed={`${name} was not enabled.`}
      onAct={async () => {
        await actOnKey(instance, rootKey.id, 'enable')
        toast(`${name} is enabled`)
      }}
      onClose={onClose}
    >
      <Loaded load={impact} failed="What depends on this key could not be found out.">
        {({ buckets }) => (
          <Note tone="ok" icon="unlock">
            {buckets.length === 0
              ? 'No bucket is under this key.'
              : `${counted(buckets.length, 'bucket')} open again: ${buckets.map((bucket) => bucket.name).join(', ')}.`}
          </Note>
        )}
      </Loaded>
      <p class="muted small">
        A key can be enabled 30 seconds after it was disabled, unless the server is set otherwise.
      </p>
    </ActionDrawer>
  )
}
