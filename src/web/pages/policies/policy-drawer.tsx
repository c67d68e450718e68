import { useEffect, useState } from 'preact/hooks'
import { type ApiError, isStatus, toApiError } from '../../client/api-error.ts'
import {
  createPolicy,
  listRoles,
  type Policy,
  type PolicyDraft,
  readPolicy,
  replacePolicy,
  type StoredPolicy,
} from '../../client/iam.ts'
import { isObject } from '../../client/json.ts'
import { session } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { ChangedMeanwhile } from '../../parts/changed-meanwhile.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { Drawer } from '../../parts/drawer.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { TextArea } from '../../parts/field.tsx'
import { Select } from '../../parts/select.tsx'
import { toast } from '../../parts/toast.tsx'
import { useLoad } from '../../use-load.ts'
import { draftText, type Grant, grantDraft } from './policy-draft.ts'
import type { PolicyIdentity } from './policy-words.ts'

export interface PolicyDrawerProps {
  /** To be changed. Left out: a new one. */
  readonly policy?: Policy
  /** Of a new one. */
  readonly subject?: string
  readonly identities: readonly PolicyIdentity[]
  readonly onClose: () => void
}

/** Chosen, or written: what the choices come to can be edited, and the server says what it does not understand. */
export function PolicyDrawer({ policy, subject, identities, onClose }: PolicyDrawerProps) {
  const [grant, setGrant] = useState<Grant>({
    iamId: subject ?? identities[0]?.iamId ?? '',
    service: 'cloud-object-storage',
    instance: '',
    role: 'crn:v1:bluemix:public:iam::::serviceRole:Reader',
  })
  const [text, setText] = useState(() => draftText(policy ?? grantDraft(grant)))
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  /** What is changed, as it was when the drawer opened or when somebody looked at what others made of it. */
  const [seen, setSeen] = useState<StoredPolicy>()
  const [newer, setNewer] = useState<StoredPolicy>()
  const take = (stored: StoredPolicy): void => {
    setSeen(stored)
    setNewer(undefined)
    setText(draftText(stored.policy))
  }
  const id = policy?.id
  useEffect(() => {
    if (id === undefined) return undefined
    const stop = new AbortController()
    // The list may be older than this.
    readPolicy(id, stop.signal).then(take, (cause: unknown) => {
      if (!stop.signal.aborted) setError(toApiError(cause))
    })
    return () => stop.abort()
  }, [id])
  const roles = useLoad((signal) => listRoles(grant.service, signal), [grant.service])
  const draft = parsed(text)
  const change = (part: Partial<Grant>): void => {
    const next = { ...grant, ...part }
    setGrant(next)
    setText(draftText(grantDraft(next)))
  }
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (!draft.policy || isBusy || (policy && !seen)) return
    setBusy(true)
    setError(undefined)
    try {
      if (seen) await replacePolicy(seen, draft.policy)
      else await createPolicy(draft.policy)
      toast(policy ? 'The policy was changed' : 'The policy was created')
      onClose()
    } catch (cause) {
      if (seen && isStatus(cause, 412)) setNewer(await readPolicy(seen.policy.id).catch(() => undefined))
      setError(toApiError(cause))
      setBusy(false)
    }
  }
  const choices = [
    ...(roles.value?.service_roles ?? []),
    ...(roles.value?.custom_roles ?? []),
    ...(roles.value?.system_roles ?? []),
  ]
  return (
    <Drawer
      title={policy ? 'Edit policy' : 'Give access'}
      sub="It counts from the next request on."
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            type="submit"
            form="policy"
            isBusy={isBusy}
            isDisabled={!draft.policy || (policy !== undefined && !seen)}
          >
            {policy ? 'Save' : 'Create policy'}
          </Button>
        </>
      }
    >
      <form id="policy" class="stack" onSubmit={(event) => void submit(event)}>
        {!policy && (
          <>
            <div class="pair">
              <Select
                label="Who"
                value={grant.iamId}
                options={identities.map(({ iamId, name }) => ({ value: iamId, label: name }))}
                onChange={(iamId) => change({ iamId })}
              />
              <Select
                label="Service"
                value={grant.service}
                options={[
                  { value: 'cloud-object-storage', label: 'Object Storage' },
                  { value: 'kms', label: 'Key Protect' },
                ]}
                onChange={(service) => change({ service, instance: '' })}
              />
            </div>
            <div class="pair">
              <Select
                label="Instance"
                value={grant.instance}
                options={[
                  { value: '', label: 'Every instance' },
                  ...session()
                    .instances.filter(({ service }) => service === grant.service)
                    .map(({ guid, name }) => ({ value: guid, label: name })),
                ]}
                onChange={(instance) => change({ instance })}
              />
              <Select
                label="Role"
                value={grant.role}
                options={choices.map(({ crn, display_name }) => ({ value: crn, label: display_name }))}
                hint={choices.find(({ crn }) => crn === grant.role)?.description}
                onChange={(role) => change({ role })}
              />
            </div>
          </>
        )}
        <TextArea
          label="The policy itself"
          rows={16}
          isCode
          isReadOnly={policy !== undefined && !seen}
          value={text}
          onInput={setText}
          error={draft.problem}
          hint="As the IAM API takes it: what you write here counts. Attributes may name a bucket or a key."
        />
        {newer ? (
          <ChangedMeanwhile
            what="policy"
            theirs={draftText(newer.policy)}
            onTheirs={() => take(newer)}
            onMine={() => {
              setSeen(newer)
              setNewer(undefined)
              setError(undefined)
            }}
          />
        ) : (
          error && <ErrorState title="The server does not take this policy." error={error} />
        )}
        <CliHint command="coffer policy set policy.json" />
      </form>
    </Drawer>
  )
}

function parsed(text: string): { readonly policy?: PolicyDraft; readonly problem?: string } {
  try {
    const value: unknown = JSON.parse(text)
    if (!isObject(value)) return { problem: 'A policy is an object.' }
    const missing = ['type', 'subjects', 'roles', 'resources'].filter((name) => !(name in value))
    return missing.length > 0
      ? { problem: `Missing: ${missing.join(', ')}.` }
      : { policy: value as unknown as PolicyDraft }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'Not JSON.' }
  }
}
