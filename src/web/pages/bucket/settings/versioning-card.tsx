import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../../client/api-error.ts'
import type { BucketFacts } from '../../../client/bucket-facts.ts'
import { getBucketConfig, NAMESPACE, putBucketConfig, putVersioning } from '../../../client/s3.ts'
import { parseXml } from '../../../client/xml.ts'
import { Button } from '../../../parts/button.tsx'
import { Card } from '../../../parts/card.tsx'
import { Switch } from '../../../parts/checkbox.tsx'
import { ErrorState } from '../../../parts/error-state.tsx'
import { Field } from '../../../parts/field.tsx'
import { Select } from '../../../parts/select.tsx'
import { toast } from '../../../parts/toast.tsx'
import { useLoad } from '../../../use-load.ts'
import type { Missing } from '../../../use-rights.ts'

/** What is kept of what was overwritten, and for how long it cannot be deleted. */
export function VersioningCard({ facts, missing }: { readonly facts: BucketFacts; readonly missing: Missing }) {
  const { name: bucket, versioning } = facts
  const [error, setError] = useState<ApiError>()
  const lock = useLoad((signal) => getBucketConfig(bucket, 'object-lock', signal), [bucket])
  const isOn = versioning === 'Enabled'
  return (
    <Card title="Versioning and object lock">
      <div class="stack">
        <Switch
          label="Versioning"
          hint={
            lock.value !== undefined
              ? 'Object lock needs it'
              : versioning === 'Off'
                ? 'An overwrite replaces for good'
                : 'Every overwrite and delete is kept'
          }
          isOn={isOn}
          isDisabled={versioning === undefined || lock.value !== undefined}
          disabledBecause={missing('s3:PutBucketVersioning')}
          onChange={(wanted) => {
            setError(undefined)
            putVersioning(bucket, wanted ? 'Enabled' : 'Suspended')
              .then(() => toast(`Versioning is ${wanted ? 'on' : 'suspended'}`))
              .catch((cause: unknown) => setError(toApiError(cause)))
          }}
        />
        {error && <ErrorState title="It could not be changed." error={error} />}
        {lock.value === undefined ? (
          <p class="muted small">Object lock is off. It is switched on when a bucket is created.</p>
        ) : (
          <LockDefaults
            key={lock.value}
            bucket={bucket}
            stored={lock.value}
            refusal={missing('s3:PutBucketObjectLockConfiguration')}
            onSaved={lock.reload}
          />
        )}
      </div>
    </Card>
  )
}

interface LockDefaultsProps {
  readonly bucket: string
  readonly stored: string
  readonly refusal: string | undefined
  readonly onSaved: () => void
}

function LockDefaults({ bucket, stored, refusal, onSaved }: LockDefaultsProps) {
  const root = parseXml(stored)
  const textOf = (name: string): string => root?.getElementsByTagName(name)[0]?.textContent ?? ''
  const [mode, setMode] = useState(textOf('Mode') || 'NONE')
  const [days, setDays] = useState(
    textOf('Days') || (textOf('Years') === '' ? '' : String(365 * Number(textOf('Years')))),
  )
  const [error, setError] = useState<ApiError>()
  const save = (): void => {
    const rule =
      mode === 'NONE'
        ? ''
        : `<Rule><DefaultRetention><Mode>${mode}</Mode><Days>${Number(days)}</Days></DefaultRetention></Rule>`
    const body = `<ObjectLockConfiguration xmlns="${NAMESPACE}"><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`
    setError(undefined)
    putBucketConfig(bucket, 'object-lock', body)
      .then(() => {
        toast('The retention of new objects was saved')
        onSaved()
      })
      .catch((cause: unknown) => setError(toApiError(cause)))
  }
  return (
    <div class="stack tight">
      <div class="columns">
        <Select
          label="Retention of new objects"
          value={mode}
          options={[
            { value: 'NONE', label: 'None' },
            { value: 'GOVERNANCE', label: 'Governance' },
            { value: 'COMPLIANCE', label: 'Compliance: nobody can shorten it' },
          ]}
          onChange={setMode}
        />
        {mode !== 'NONE' && <Field label="For" note="days" type="number" min={1} value={days} onInput={setDays} />}
      </div>
      {error && <ErrorState title="The retention was refused." error={error} />}
      <div class="row">
        <Button
          isSmall
          kind="primary"
          disabledBecause={refusal}
          isDisabled={mode !== 'NONE' && days === ''}
          onClick={save}
        >
          Save
        </Button>
      </div>
    </div>
  )
}
