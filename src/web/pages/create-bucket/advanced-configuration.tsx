import { useState } from 'preact/hooks'
import type { Policy } from '../../client/iam.ts'
import { type Instance, keyInstances } from '../../client/session.ts'
import { createBucketHref } from '../../links.ts'
import { RadioCards } from '../../parts/checkbox.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Note } from '../../parts/note.tsx'
import { Select } from '../../parts/select.tsx'
import type { Loaded } from '../../use-load.ts'
import { KeysNotListed } from '../keys/keys-not-listed.tsx'
import { AuthorizationRow } from './authorization-row.tsx'
import type { Draft } from './draft.ts'
import { KeyChoice } from './key-choice.tsx'
import type { KeyToChoose } from './list-keys.ts'

export interface AdvancedConfigurationProps {
  readonly draft: Draft
  readonly instance: Instance | undefined
  readonly source: Instance | undefined
  readonly keys: Loaded<readonly KeyToChoose[]>
  readonly policies: Loaded<readonly Policy[]>
  readonly chosen: KeyToChoose | undefined
  readonly refusal: string | undefined
  readonly onCreateKey: () => void
  readonly onChange: (changes: Partial<Draft>) => void
}

export function AdvancedConfiguration(props: AdvancedConfigurationProps) {
  const { draft, onChange } = props
  const instances = keyInstances()
  const [isOpen, setOpen] = useState(instances.length > 0)
  return (
    <section class="card">
      <h2 class="card-head">
        <button type="button" class="disclosure" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <Icon name={isOpen ? 'chevron' : 'chevronRight'} />
          Advanced configuration
        </button>
      </h2>
      {isOpen && (
        <div class="card-body stack">
          <RadioCards
            label="Encryption"
            value={draft.encryption}
            options={[
              {
                value: 'provider',
                title: 'Provider-managed encryption',
                text: 'Coffer makes and keeps the wrapping key. Nothing to set up.',
              },
              {
                value: 'customer',
                title: 'Add Key Protect Keys',
                text: 'Your root key wraps every data key. Disable it and the bucket goes dark.',
                isDisabled: instances.length === 0,
              },
            ]}
            onChange={(encryption) => onChange({ encryption })}
          />
          {instances.length === 0 && <Note>There is no Key Protect instance that you may use.</Note>}
          {draft.encryption === 'customer' && <CustomerKey {...props} />}
        </div>
      )}
    </section>
  )
}

function CustomerKey(props: AdvancedConfigurationProps) {
  const { draft, instance, source, keys, policies, chosen, refusal, onCreateKey, onChange } = props
  return (
    <>
      <div class="columns">
        <Select
          label="Key Protect instance"
          value={draft.keyInstance}
          options={keyInstances().map(({ guid, name, region }) => ({ value: guid, label: `${name} (${region})` }))}
          onChange={(keyInstance) => onChange({ keyInstance, keyId: undefined })}
        />
        {instance && keys.value && (
          <KeyChoice
            instance={instance}
            keys={keys.value}
            value={draft.keyId}
            error={refusal}
            onCreate={onCreateKey}
            onChange={(keyId) => onChange({ keyId })}
          />
        )}
      </div>
      {keys.error && <KeysNotListed error={keys.error} instance={instance?.name} onRetry={keys.reload} />}
      {source && instance && (policies.value || policies.error) && (
        <AuthorizationRow
          source={source}
          target={instance}
          rootKey={chosen?.key}
          policies={policies.value}
          back={createBucketHref()}
        />
      )}
    </>
  )
}
