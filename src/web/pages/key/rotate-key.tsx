import { useState } from 'preact/hooks'
import { startRewrap } from '../../client/admin.ts'
import { sealMaterial } from '../../client/import-material.ts'
import { actOnKey, keyLabel } from '../../client/key-protect.ts'
import { counted, formatCount } from '../../format.ts'
import { inShell } from '../../in-shell.ts'
import { keyReference } from '../../links.ts'
import { Checkbox } from '../../parts/checkbox.tsx'
import { toast } from '../../parts/toast.tsx'
import { MaterialField } from '../keys/material-field.tsx'
import { objectsOf } from '../keys/read-keys.ts'
import { ActionDrawer } from './action-drawer.tsx'
import type { KeyDrawerProps } from './drawer-props.ts'
import { VersionStep } from './version-step.tsx'

export function RotateKey({ instance, rootKey, versions, usage, onClose }: KeyDrawerProps) {
  const byItself = usage?.rewrapsByItself ?? false
  const [isWanted, setWanted] = useState(true)
  const rewraps = isWanted && !byItself
  const [material, setMaterial] = useState<Uint8Array<ArrayBuffer>>()
  const name = keyLabel(rootKey)
  const now = versions.length
  const buckets = usage?.buckets ?? []
  const dataKeys = usage ? objectsOf(usage) : undefined
  const rotate = async (): Promise<void> => {
    await actOnKey(instance, rootKey.id, 'rotate', material ? await sealMaterial(instance, material) : undefined)
    toast(`${name} was rotated to v${now + 1}`)
    if (!rewraps) return
    const starts = await Promise.allSettled(buckets.map((bucket) => startRewrap(bucket.name)))
    const failed = starts.filter(({ status }) => status === 'rejected').length
    if (failed > 0) toast(`${counted(failed, 'bucket')} could not be rewrapped: see the key’s page`, 'bad')
  }
  return (
    <ActionDrawer
      title={`Rotate ${name}?`}
      sub="Objects are untouched, and reads go on throughout."
      command={[
        `coffer key rotate ${inShell(keyReference(instance, rootKey))}`,
        ...(rewraps && buckets.length > 0 ? [`coffer rewrap --key ${inShell(keyReference(instance, rootKey))}`] : []),
      ].join('\n')}
      action="Rotate key"
      failed={`${name} was not rotated.`}
      blockedBecause={
        rootKey.state === 2 || rootKey.state === 5
          ? 'A key that is disabled or deleted does not rotate'
          : rootKey.imported && !material
            ? 'An imported key rotates to material that you bring'
            : undefined
      }
      onAct={rotate}
      onClose={onClose}
    >
      <VersionStep from={now} />
      <p>
        <b>v{now + 1}</b> seals new data keys.{' '}
        {dataKeys === undefined
          ? `What is there stays on v${now} until it is rewrapped.`
          : dataKeys === 0
            ? 'There is nothing under it yet.'
            : `${formatCount(dataKeys)} stay under the versions that they have until they are rewrapped${byItself ? ', which begins at once' : ''}.`}{' '}
        Older versions only unwrap, never wrap.
      </p>
      {rootKey.imported && <MaterialField label="New key material" onChange={setMaterial} />}
      {buckets.length > 0 && !byItself && (
        <Checkbox label={`Rewrap ${counted(buckets.length, 'bucket')} now`} isChecked={isWanted} onChange={setWanted} />
      )}
    </ActionDrawer>
  )
}
