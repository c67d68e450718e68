import { useEffect, useState } from 'preact/hooks'
import { listPolicies } from '../../client/iam.ts'
import { keyInstances, objectInstances, session } from '../../client/session.ts'
import { bucketHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { toast } from '../../parts/toast.tsx'
import { href, navigate, usePlace } from '../../router.ts'
import { useLoad } from '../../use-load.ts'
import { useCreateBucketRight } from '../../use-rights.ts'
import { CreateKey } from '../keys/create-key.tsx'
import { isUsable } from '../keys/key-facts.ts'
import { AdvancedConfiguration } from './advanced-configuration.tsx'
import { BucketDetails } from './bucket-details.tsx'
import { commandOf } from './command.ts'
import { create, type Refusal } from './create.ts'
import { type Draft, dropDraft, keepDraft, storedDraft } from './draft.ts'
import { listKeysToChoose } from './list-keys.ts'
import { locationConstraint } from './location.ts'
import { useNameState } from './name-field.tsx'
import { Outcome } from './outcome.tsx'

export function Page() {
  const [draft, setDraft] = useDraft()
  const [refusal, setRefusal] = useState<Refusal>()
  const [isBusy, setBusy] = useState(false)
  const [isMakingKey, setMakingKey] = useState(false)
  const nameState = useNameState(draft.name)
  const instance = keyInstances().find(({ guid }) => guid === draft.keyInstance)
  const source = objectInstances().find(({ guid }) => guid === draft.objectInstance)
  const isCustomer = draft.encryption === 'customer'
  const keys = useLoad(async (signal) => (instance ? listKeysToChoose(instance, signal) : []), [instance?.guid], {
    topics: ['keys'],
  })
  const policies = useLoad((signal) => listPolicies('authorization', signal), [], { topics: ['access'] })
  const chosen = keys.value?.find(({ key }) => key.id === draft.keyId)

  const change = (changes: Partial<Draft>): void => {
    setRefusal(undefined)
    setDraft({ ...draft, ...changes })
  }
  const missingRight = useCreateBucketRight()
  const missing = missingRight ?? missingOf(draft, nameState, isCustomer && (!chosen || !isUsable(chosen.key)))
  const onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (missing !== undefined || isBusy || !source) return
    setBusy(true)
    setRefusal(undefined)
    try {
      const { problem } = await create({
        ...{ name: draft.name, instanceCrn: source.crn, isVersioned: draft.isVersioned, isLocked: draft.isLocked },
        locationConstraint: locationConstraint(draft.location, draft.storageClass),
        rootKey: isCustomer && chosen ? { crn: chosen.key.crn, label: chosen.label } : undefined,
      })
      dropDraft()
      toast(problem ?? `${draft.name} was created`, problem === undefined ? 'ok' : 'bad')
      navigate(bucketHref(draft.name))
    } catch (error) {
      setBusy(false)
      setRefusal(error as Refusal)
      // What it was about has changed meanwhile.
      keys.reload()
      policies.reload()
    }
  }

  return (
    <>
      <PageHead
        title="Create bucket"
        sub="Encryption can be strengthened later, but a bucket’s name and location are permanent."
      />
      <div class="columns create-bucket">
        <form class="stack" aria-label="Create bucket" onSubmit={(event) => void onSubmit(event)}>
          <BucketDetails draft={draft} nameState={nameState} refusal={refusal} onChange={change} />
          <AdvancedConfiguration
            {...{ draft, instance, source, keys, policies, chosen }}
            refusal={refusal?.of === 'key' ? refusal.message : undefined}
            onCreateKey={() => setMakingKey(true)}
            onChange={change}
          />
          {refusal?.of === 'form' && <ErrorState title="The bucket could not be created." error={refusal.error} />}
          <CliHint command={commandOf(draft, instance, chosen?.label)} />
          <div class="form-foot">
            {missing !== undefined && <span class="muted small">{missing}</span>}
            <Button href={href(['buckets'])} onClick={dropDraft}>
              Cancel
            </Button>
            <Button kind="primary" type="submit" isBusy={isBusy} disabledBecause={missing}>
              Create
            </Button>
          </div>
        </form>
        <aside class="outcome" aria-label="What you’ll get">
          <Outcome isCustomer={isCustomer} keyName={chosen?.label} />
        </aside>
      </div>
      {isMakingKey && (
        <CreateKey
          instance={draft.keyInstance}
          onClose={() => setMakingKey(false)}
          onDone={({ guid }, key) => {
            setMakingKey(false)
            change({ keyInstance: guid, keyId: key.id })
          }}
        />
      )}
    </>
  )
}

function useDraft(): readonly [Draft, (draft: Draft) => void] {
  const { query } = usePlace()
  const [draft, setDraft] = useState<Draft>(() => firstDraft(query.get('key') ?? undefined))
  useEffect(() => {
    if (draft.name !== '' || draft.keyId !== undefined) keepDraft(draft)
  }, [draft])
  return [draft, setDraft]
}

/** `rootKeyCrn`: of the key that it was asked for with. */
function firstDraft(rootKeyCrn: string | undefined): Draft {
  const parts = rootKeyCrn?.split(':')
  return {
    name: '',
    objectInstance: objectInstances()[0]?.guid ?? '',
    location: session().s3?.region ?? 'us-east-1',
    storageClass: 'standard',
    isVersioned: false,
    isLocked: false,
    encryption: 'provider',
    keyInstance: keyInstances()[0]?.guid ?? '',
    keyId: undefined,
    ...storedDraft(),
    ...(parts ? { keyInstance: parts[7] ?? '', keyId: parts[9], encryption: 'customer' as const } : {}),
  }
}

function missingOf(draft: Draft, nameState: string, lacksKey: boolean): string | undefined {
  if (objectInstances().length === 0) return 'You have no object storage instance'
  if (draft.name === '') return 'A name is needed'
  if (nameState === 'wrong' || nameState === 'taken') return 'Another name is needed'
  return lacksKey ? 'A root key is needed' : undefined
}
