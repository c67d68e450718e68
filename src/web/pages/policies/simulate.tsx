import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import { simulate, type Verdict } from '../../client/simulate.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { classes } from '../../parts/class-names.ts'
import { ErrorState } from '../../parts/error-state.tsx'
import { Field } from '../../parts/field.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Select } from '../../parts/select.tsx'
import { decidedWords } from '../who-can-read/words.ts'
import type { PolicyIdentity } from './policy-words.ts'

const ACTIONS = [
  ['s3:GetObject', 'read the object'],
  ['s3:PutObject', 'write the object'],
  ['s3:DeleteObject', 'delete the object'],
  ['s3:ListBucket', 'list the bucket'],
  ['s3:PutEncryptionConfiguration', 'change the encryption of the bucket'],
  ['kms.secrets.disable', 'disable the root key'],
  ['kms.secrets.rotate', 'rotate the root key'],
  ['kms.secrets.delete', 'delete the root key'],
] as const

/** Can they? As the request itself would be decided. */
export function Simulate({ identities }: { readonly identities: readonly PolicyIdentity[] }) {
  const [who, setWho] = useState('')
  const [action, setAction] = useState<string>('s3:GetObject')
  const [resource, setResource] = useState('')
  const [verdict, setVerdict] = useState<Verdict>()
  const [error, setError] = useState<ApiError>()
  const ask = async (event: Event): Promise<void> => {
    event.preventDefault()
    setVerdict(undefined)
    setError(undefined)
    try {
      setVerdict(await simulate({ action, resource: resource.trim(), ...(who === '' ? {} : { principal: who }) }))
    } catch (cause) {
      setError(toApiError(cause))
    }
  }
  return (
    <Card title="Can they?" note="decided as the request itself would be; nothing is done">
      <form class="stack" onSubmit={(event) => void ask(event)}>
        <div class="simulate">
          <Select
            label="Who"
            value={who}
            options={[
              { value: '', label: 'I' },
              ...identities.map(({ iamId, name }) => ({ value: iamId, label: name })),
              { value: 'anonymous', label: 'Anybody' },
            ]}
            onChange={setWho}
          />
          <Select
            label="Can"
            value={action}
            options={ACTIONS.map(([value, label]) => ({ value, label }))}
            onChange={setAction}
          />
          <Field
            label="Of what"
            value={resource}
            onInput={setResource}
            placeholder="bucket/key, or the CRN of a root key"
            isCode
          />
          <Button type="submit" isDisabled={resource.trim() === ''}>
            Ask
          </Button>
        </div>
        <div aria-live="polite">
          {verdict && <VerdictView verdict={verdict} />}
          {error && <ErrorState title="It could not be decided." error={error} />}
        </div>
      </form>
    </Card>
  )
}

const VerdictView = ({ verdict: { allowed, decisions } }: { readonly verdict: Verdict }) => (
  <div class={classes('verdict', !allowed && 'no')}>
    <Icon name={allowed ? 'check' : 'close'} />
    <div>
      <b>{allowed ? 'Yes, they can.' : 'No, that is refused.'}</b>
      {decisions.map(({ action, reason, decidedBy }) => (
        <span key={action}>
          <code>{action}</code>
          {reason !== undefined && decidedBy && `: ${decidedWords(decidedBy, reason)}`}
        </span>
      ))}
    </div>
  </div>
)
