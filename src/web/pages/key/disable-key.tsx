import { useState } from 'preact/hooks'
import { actOnKey, keyLabel } from '../../client/key-protect.ts'
import { inShell } from '../../in-shell.ts'
import { keyReference } from '../../links.ts'
import { Field } from '../../parts/field.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Seal } from '../../parts/seal.tsx'
import { toast } from '../../parts/toast.tsx'
import { useLoad } from '../../use-load.ts'
import { darknessOfKey } from '../impact/impact.ts'
import { WhatGoesDark } from '../impact/what-goes-dark.tsx'
import { WhatHappens } from '../impact/what-happens.tsx'
import { WhoNotices } from '../impact/who-notices.tsx'
import { ActionDrawer } from './action-drawer.tsx'
import type { KeyDrawerProps } from './drawer-props.ts'

const MAX_REASON = 500

export function DisableKey({ instance, rootKey, onClose }: KeyDrawerProps) {
  const impact = useLoad((signal) => darknessOfKey(instance, rootKey, signal), [rootKey.crn])
  const [reason, setReason] = useState('')
  const name = keyLabel(rootKey)
  const command = `coffer key disable ${inShell(keyReference(instance, rootKey))}`
  const given = reason.trim()
  return (
    <ActionDrawer
      title={`Disable ${name}?`}
      sub="Takes effect at once, within 5 seconds where another process keeps the key. It can be undone."
      figure={<Seal size={44} isDisabled />}
      typed={name}
      command={`${command}${given === '' ? '' : ` --reason ${inShell(given)}`} --dry-run`}
      fields={
        <Field
          label="Reason"
          note="kept in the audit log"
          value={reason}
          onInput={setReason}
          maxLength={MAX_REASON}
          hasFocus
        />
      }
      note="Enabling it takes a Manager."
      keep="Keep it enabled"
      action="Disable key"
      kind="destroy"
      blockedBecause={rootKey.state === 1 ? undefined : 'It is not active, so nothing is left to disable'}
      failed={`${name} was not disabled.`}
      onAct={async () => {
        await actOnKey(instance, rootKey.id, 'disable', given === '' ? undefined : { reason: given })
        toast(`${name} is disabled`)
      }}
      onClose={onClose}
    >
      <Loaded load={impact} failed="What depends on this key could not be found out.">
        {({ buckets, recent, hidden }) => (
          <>
            <WhatGoesDark buckets={buckets} hidden={hidden} nothing="Nothing: no bucket is under this key." />
            <WhoNotices buckets={buckets} recent={recent} />
          </>
        )}
      </Loaded>
      <WhatHappens
        steps={[
          ['At once', 'Wrapping and unwrapping are refused; data keys in memory are wiped'],
          ['Then', 'Running downloads end; clients get KMS.DisabledException'],
          ['Meanwhile', 'Names and sizes are still listed. Nothing stored is changed'],
        ]}
      />
    </ActionDrawer>
  )
}
