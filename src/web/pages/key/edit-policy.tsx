import { useState } from 'preact/hooks'
import { keyLabel, putKeyPolicies } from '../../client/key-protect.ts'
import { inShell } from '../../in-shell.ts'
import { keyReference } from '../../links.ts'
import { Switch } from '../../parts/checkbox.tsx'
import { Select } from '../../parts/select.tsx'
import { toast } from '../../parts/toast.tsx'
import { MONTHS } from '../keys/advanced-key-options.tsx'
import { everyMonths } from '../keys/key-facts.ts'
import { ActionDrawer } from './action-drawer.tsx'
import type { KeyDrawerProps } from './drawer-props.ts'

export function EditPolicy({ instance, rootKey, onClose }: KeyDrawerProps) {
  const name = keyLabel(rootKey)
  const before = rootKey.rotation
  const [rotates, setRotates] = useState(before?.enabled ?? false)
  const [months, setMonths] = useState(before?.interval_month ?? 6)
  const [needsTwo, setNeedsTwo] = useState(rootKey.dualAuthDelete.enabled)
  const isRotationNew = rotates !== (before?.enabled ?? false) || (rotates && months !== before?.interval_month)
  const isDualNew = needsTwo !== rootKey.dualAuthDelete.enabled
  return (
    <ActionDrawer
      title={`Policies of ${name}`}
      sub="When it rotates by itself, and how many people its deletion takes."
      command={[
        `coffer key policy ${inShell(keyReference(instance, rootKey))}`,
        ...(isRotationNew ? [`--rotate ${rotates ? months : 0}`] : []),
        ...(isDualNew ? [`--dual-auth-delete ${needsTwo ? 'on' : 'off'}`] : []),
      ].join(' ')}
      action="Save"
      blockedBecause={isRotationNew || isDualNew ? undefined : 'Nothing was changed'}
      failed="The policies were not changed."
      onAct={async () => {
        await putKeyPolicies(instance, rootKey.id, [
          ...(isRotationNew ? [{ rotation: { enabled: rotates, interval_month: months } }] : []),
          ...(isDualNew ? [{ dualAuthDelete: { enabled: needsTwo } }] : []),
        ])
        toast(`The policies of ${name} were changed`)
      }}
      onClose={onClose}
    >
      {rootKey.imported ? (
        <p class="muted">An imported key rotates when somebody brings new material.</p>
      ) : (
        <>
          <Switch
            label="Rotates by itself"
            hint="A new version seals new data keys; the older ones only unwrap."
            isOn={rotates}
            onChange={setRotates}
          />
          <Select
            label="How often"
            value={String(months)}
            isDisabled={!rotates}
            options={MONTHS.map((count) => ({ value: String(count), label: everyMonths(count) }))}
            onChange={(value) => setMonths(Number(value))}
          />
        </>
      )}
      <Switch
        label="Deleting it needs two people"
        hint="One sets it for deletion, another one deletes it within 7 days."
        isOn={needsTwo}
        onChange={setNeedsTwo}
      />
    </ActionDrawer>
  )
}
