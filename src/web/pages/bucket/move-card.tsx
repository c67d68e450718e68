import { useState } from 'preact/hooks'
import { moveBucket } from '../../client/admin.ts'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import type { BucketFacts } from '../../client/bucket-facts.ts'
import { listPolicies } from '../../client/iam.ts'
import { keyInstances, objectInstances } from '../../client/session.ts'
import { counted, formatBytes } from '../../format.ts'
import { inShell } from '../../in-shell.ts'
import { bucketTabHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { RadioCards } from '../../parts/checkbox.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Note } from '../../parts/note.tsx'
import { Select } from '../../parts/select.tsx'
import { toast } from '../../parts/toast.tsx'
import { useLoad } from '../../use-load.ts'
import { useBucketRights } from '../../use-rights.ts'
import { AuthorizationRow } from '../create-bucket/authorization-row.tsx'
import { KeyChoice } from '../create-bucket/key-choice.tsx'
import { listKeysToChoose } from '../create-bucket/list-keys.ts'
import { CreateKey } from '../keys/create-key.tsx'
import { KeysNotListed } from '../keys/keys-not-listed.tsx'
import { KeyChip } from './frame.tsx'

/** Under another root key: from the provider's to one's own, from one to another, and back. */
export function MoveCard({ facts }: { readonly facts: BucketFacts }) {
  const { name: bucket, isCustomerManaged, rootKeyCrn, usage, lock } = facts
  const [way, setWay] = useState<'customer' | 'provider'>('customer')
  const [how, setHow] = useState<'rewrap' | 'reencrypt'>('rewrap')
  const [instanceId, setInstanceId] = useState(keyInstances()[0]?.guid)
  const [keyId, setKeyId] = useState<string>()
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const [isMakingKey, setMakingKey] = useState(false)
  const instance = keyInstances().find(({ guid }) => guid === instanceId)
  const [source] = objectInstances()
  const keys = useLoad(async (signal) => (instance ? listKeysToChoose(instance, signal) : []), [instanceId], {
    topics: ['keys'],
  })
  const policies = useLoad((signal) => listPolicies('authorization', signal), [], { topics: ['access'] })
  const chosen = keys.value?.find(({ key }) => key.id === keyId)
  const isSame =
    way === 'customer' ? chosen !== undefined && chosen.key.crn === rootKeyCrn : isCustomerManaged === false
  const noRight = useBucketRights(bucket, ['s3:PutEncryptionConfiguration'])('s3:PutEncryptionConfiguration')
  const missing =
    noRight ??
    (lock
      ? 'The bucket is locked: its data keys cannot be opened'
      : way === 'customer' && !chosen
        ? 'Choose a root key'
        : isSame
          ? 'It is there already'
          : undefined)
  const start = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      await moveBucket(bucket, way === 'customer' ? chosen?.key.crn : undefined, how === 'reencrypt')
      toast(
        way === 'customer'
          ? `New objects are under ${chosen?.label} from now on`
          : 'New objects are under Coffer’s own key',
      )
      setKeyId(undefined)
    } catch (cause) {
      setError(toApiError(cause))
      keys.reload()
    }
    setBusy(false)
  }
  return (
    <Card
      title="Move under another root key"
      note={lock ? 'While it is locked, nothing moves' : 'Reads keep working throughout'}
    >
      <div class="stack">
        <div class="move-picture">
          <span class="muted small">Now</span>
          <KeyChip facts={facts} />
          <Icon name="chevronRight" />
          <span class="muted small">Then</span>
          <b>{way === 'provider' ? 'Provider-managed' : (chosen?.label ?? '…')}</b>
        </div>
        <RadioCards
          label="Encryption"
          value={way}
          options={[
            { value: 'customer', title: 'A root key of yours', text: 'Disable it, and the bucket goes dark.' },
            { value: 'provider', title: 'Provider-managed encryption', text: 'Coffer keeps the wrapping key.' },
          ]}
          onChange={setWay}
        />
        {way === 'customer' && (
          <>
            <div class="columns">
              <Select
                label="Key Protect instance"
                value={instanceId ?? ''}
                options={keyInstances().map(({ guid, name, region }) => ({
                  value: guid,
                  label: `${name} (${region})`,
                }))}
                onChange={(guid) => {
                  setInstanceId(guid)
                  setKeyId(undefined)
                }}
              />
              {instance && keys.value && (
                <KeyChoice
                  instance={instance}
                  keys={keys.value}
                  value={keyId}
                  onCreate={() => setMakingKey(true)}
                  onChange={setKeyId}
                />
              )}
            </div>
            {keys.error && <KeysNotListed error={keys.error} instance={instance?.name} onRetry={keys.reload} />}
            {source && instance && chosen && (policies.value || policies.error) && (
              <AuthorizationRow
                {...{ source, target: instance, rootKey: chosen.key, policies: policies.value }}
                back={bucketTabHref(bucket, 'encryption')}
              />
            )}
          </>
        )}
        <RadioCards
          label="How"
          value={how}
          options={[
            {
              value: 'rewrap',
              title: 'Rewrap data keys',
              text: `${usage ? `${counted(usage.objects, 'envelope')}, objects` : 'Objects'} untouched.`,
            },
            {
              value: 'reencrypt',
              title: 'Re-encrypt objects',
              text: `New data keys. Reads and writes ${usage ? formatBytes(usage.bytes) : 'all there is'}.`,
            },
          ]}
          onChange={setHow}
        />
        <Note icon="key">
          <b>What is new is under the new key at once.</b>{' '}
          {how === 'rewrap'
            ? 'The data keys of what is there are put under it in the background.'
            : 'What is there is sealed anew in the background, with dates and ETags as they are. Objects whose key a customer keeps, and uploads under way, are rewrapped.'}
        </Note>
        {error && <ErrorState title="The bucket was not moved." error={error} />}
        <CliHint
          command={`coffer bucket encrypt ${bucket} ${how === 'reencrypt' ? '--re-encrypt ' : ''}${way === 'provider' ? '--provider-managed' : `--key ${chosen ? inShell(`${instance?.name}/${chosen.label}`) : 'INSTANCE/KEY'}`}`}
        />
        <div class="form-foot">
          {missing !== undefined && <span class="muted small">{missing}</span>}
          <Button kind="primary" isBusy={isBusy} disabledBecause={missing} onClick={() => void start()}>
            Start
          </Button>
        </div>
      </div>
      {isMakingKey && (
        <CreateKey
          instance={instanceId}
          onClose={() => setMakingKey(false)}
          onDone={({ guid }, key) => {
            setMakingKey(false)
            setInstanceId(guid)
            setKeyId(key.id)
          }}
        />
      )}
    </Card>
  )
}
