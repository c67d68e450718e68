import { objectInstances, session } from '../../client/session.ts'
import { Card } from '../../parts/card.tsx'
import { Switch } from '../../parts/checkbox.tsx'
import { Select } from '../../parts/select.tsx'
import type { Refusal } from './create.ts'
import type { Draft } from './draft.ts'
import { storageClassesOf } from './location.ts'
import { NameField, type NameState } from './name-field.tsx'

export interface BucketDetailsProps {
  readonly draft: Draft
  readonly nameState: NameState
  readonly refusal: Refusal | undefined
  readonly onChange: (changes: Partial<Draft>) => void
}

export function BucketDetails({ draft, nameState, refusal, onChange }: BucketDetailsProps) {
  const region = session().s3?.region ?? 'us-east-1'
  const instances = objectInstances()
  const classes = storageClassesOf(draft.location)
  return (
    <Card title="Bucket details">
      <div class="stack">
        <NameField
          value={draft.name}
          state={nameState}
          refusal={refusal?.of === 'name' ? refusal.message : undefined}
          onInput={(name) => onChange({ name })}
        />
        {instances.length > 1 && (
          <Select
            label="Object storage instance"
            value={draft.objectInstance}
            options={instances.map(({ guid, name }) => ({ value: guid, label: name }))}
            onChange={(objectInstance) => onChange({ objectInstance })}
          />
        )}
        <div class="columns">
          <Select
            label="Location"
            hint="Where this store is"
            value={draft.location}
            options={[{ value: region, label: region }]}
            onChange={(location) => onChange({ location })}
          />
          <Select
            label="Storage class"
            hint={classes.length === 1 ? 'The one that there is at this location' : undefined}
            value={draft.storageClass}
            options={classes}
            onChange={(storageClass) => onChange({ storageClass })}
          />
        </div>
        <div class="columns">
          <Switch
            label="Versioning"
            hint={draft.isLocked ? 'Object lock needs it' : 'Keep every overwrite and delete'}
            isOn={draft.isVersioned || draft.isLocked}
            isDisabled={draft.isLocked}
            onChange={(isVersioned) => onChange({ isVersioned })}
          />
          <Switch
            label="Object lock"
            hint="Write once, for retention rules"
            isOn={draft.isLocked}
            onChange={(isLocked) => onChange({ isLocked, ...(isLocked ? { isVersioned: true } : {}) })}
          />
        </div>
      </div>
    </Card>
  )
}
