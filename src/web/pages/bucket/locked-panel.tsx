import { useState } from 'preact/hooks'
import { type ApiError, isStatus, toApiError } from '../../client/api-error.ts'
import type { BucketFacts, BucketLock, BucketRootKey } from '../../client/bucket-facts.ts'
import { actOnKey, restoreKey } from '../../client/key-protect.ts'
import { answerToRead, mayEnable, readScrubFacts, whoDidIt } from '../../client/lock-story.ts'
import { objectInstances } from '../../client/session.ts'
import { counted, formatAgo, formatExact } from '../../format.ts'
import { inShell } from '../../in-shell.ts'
import { authorizeHref, bucketHref, keyHref, keyReference } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { copyText } from '../../parts/copy.tsx'
import { Envelope } from '../../parts/envelope.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { type Step, Steps } from '../../parts/steps.tsx'
import { toast } from '../../parts/toast.tsx'
import { useLoad } from '../../use-load.ts'
import type { Row } from './objects/rows.ts'

export interface LockedPanelProps {
  readonly facts: BucketFacts
  readonly lock: BucketLock
  readonly listing: readonly Row[]
}

/** Why nothing can be read, since when and by whom, and who can mend it. */
export function LockedPanel({ facts, lock, listing }: LockedPanelProps) {
  const { name: bucket, rootKey, rootKeyCrn } = facts
  const first = listing.find((row) => row.kind === 'object')
  const firstKey = first?.kind === 'object' ? first.object.key : undefined
  const story = useLoad(
    async (signal) => {
      const [scrub, isAllowed, answer] = await Promise.all([
        readScrubFacts(signal),
        rootKey ? mayEnable(rootKey, lock.cause, signal) : false,
        firstKey === undefined ? undefined : answerToRead(bucket, firstKey, signal),
      ])
      return { scrub, isAllowed, answer }
    },
    [bucket, rootKeyCrn, lock.cause, firstKey],
    { topics: ['keys', 'access'] },
  )
  // To look for it in a long log takes seconds.
  const deed = useLoad((signal) => whoDidIt(rootKeyCrn, lock.cause, signal), [rootKeyCrn, lock.cause], {
    topics: ['keys', 'access'],
    everyMs: 'never',
  }).value
  const { scrub, isAllowed = false, answer } = story.value ?? {}
  const label = rootKey?.label ?? 'the root key'
  return (
    <aside class="card panel locked-panel" aria-label="Why this bucket is locked">
      <div class="locked-head">
        <Envelope state="broken" label="An envelope whose seal cannot be opened" />
        <h2>The seal can’t be opened</h2>
        <p class="small">
          {deed
            ? `${deed.who} ${DID[lock.cause] ?? 'changed'} root key ${label} ${formatAgo(deed.at)}, at ${formatExact(deed.at)}${deed.why === '' ? '' : `: “${deed.why}”`}. `
            : ''}
          Names and sizes are still listed. Contents are not readable by anyone, including Coffer.
        </p>
      </div>
      <div class="panel-body">
        <Steps
          steps={[
            {
              state: scrub && scrub.findings > 0 ? 'next' : 'done',
              title:
                scrub && scrub.findings > 0
                  ? 'Some stored data is damaged'
                  : scrub?.finishedAt === undefined || scrub.unopened > 0
                    ? 'Nothing stored was changed'
                    : 'Stored data is intact',
              text: dataText(facts, scrub),
            },
            keyStep(lock, rootKey),
            {
              state: 'next',
              title: remedyTitle(lock, label),
              text: isAllowed ? 'You may do that. Reads go on within seconds.' : needsText(lock, rootKey),
            },
          ]}
        />
        <Remedy facts={facts} lock={lock} isAllowed={isAllowed} />
        {answer && (
          <div>
            <p class="muted tiny">What S3 clients see</p>
            <pre class="code-block">
              {answer.status} <span class="code-value">{answer.code}</span>
              {`\n${answer.message}`}
            </pre>
          </div>
        )}
        {rootKey && lock.cause === 'disabled' && (
          <CliHint command={`coffer key enable ${inShell(keyReference(rootKey.instance, rootKey.key))}`} />
        )}
      </div>
    </aside>
  )
}

const DID: Partial<Readonly<Record<BucketLock['cause'], string>>> = { disabled: 'disabled', deleted: 'deleted' }

function dataText({ usage }: BucketFacts, scrub: Awaited<ReturnType<typeof readScrubFacts>>): string {
  const objects = usage ? counted(usage.objects, 'object') : 'All objects are where they were'
  if (!scrub?.finishedAt) return `${objects}. No scrub has looked through them yet.`
  const found =
    scrub.findings === 0
      ? 'found no damage in what was there then'
      : `found ${counted(scrub.findings, 'damaged entry', 'damaged entries')}`
  const unopened = scrub.unopened > 0 ? `, and could not open ${counted(scrub.unopened, 'object')} of the store` : ''
  return `${objects}, last scrub ${formatAgo(scrub.finishedAt)} ${found}${unopened}`
}

function keyStep({ cause }: BucketLock, rootKey: BucketRootKey | undefined): Step {
  if (!rootKey)
    return {
      state: 'next',
      title: 'Root key out of sight',
      text: 'You may not see it, or its service does not answer.',
    }
  const { key, instance } = rootKey
  if (cause === 'deleted')
    return key.restoreAllowed && key.restoreExpirationDate
      ? {
          state: 'done',
          title: 'Root key can still be restored',
          text: `In ${instance.name}, until ${formatExact(key.restoreExpirationDate)}`,
        }
      : { state: 'bad', title: 'Root key is gone', text: `It was deleted from ${instance.name} for good.` }
  const how = cause === 'disabled' ? 'Suspended' : cause === 'unauthorized' ? 'Active' : 'There'
  return {
    state: 'done',
    title: 'Root key still exists',
    text: `${how} in ${instance.name}, not scheduled for deletion`,
  }
}

function remedyTitle({ cause }: BucketLock, label: string): string {
  switch (cause) {
    case 'disabled':
      return `Enable ${label}`
    case 'deleted':
      return `Restore ${label}`
    case 'unauthorized':
      return 'Create the authorization again'
    case 'wrong-key':
      return 'Bring the right key service back'
    default:
      return 'Ask whoever keeps the key'
  }
}

const needsText = ({ cause }: BucketLock, rootKey: BucketRootKey | undefined): string =>
  cause === 'unauthorized'
    ? 'Needs an administrator of the account.'
    : `Needs the Manager role on ${rootKey?.instance.name ?? 'the key’s instance'}, which you do not have.`

function Remedy({
  facts,
  lock,
  isAllowed,
}: {
  readonly facts: BucketFacts
  readonly lock: BucketLock
  readonly isAllowed: boolean
}) {
  const { rootKey, name: bucket } = facts
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const [source] = objectInstances()
  if (!rootKey) return null
  const { instance, key, label } = rootKey
  const mend = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      if (lock.cause === 'deleted') await restoreKey(instance, key.id)
      else await actOnKey(instance, key.id, 'enable')
      // What was pressed goes with the lock.
      document.querySelector<HTMLElement>('#page-title')?.focus({ preventScroll: true })
      toast(lock.cause === 'deleted' ? `${label} was restored` : `${label} was enabled`)
    } catch (cause) {
      setError(toApiError(cause))
    }
    setBusy(false)
  }
  const ask = (): void => {
    copyText(
      `Please ${lock.cause === 'deleted' ? 'restore' : 'enable'} the root key ${label} in ${instance.name}: the bucket ${bucket} is locked. ${window.location.origin}${keyHref(instance, key)}`,
    )
    toast('A message to send was copied')
  }
  const canMend = lock.cause === 'disabled' || (lock.cause === 'deleted' && key.restoreAllowed === true)
  return (
    <div class="stack tight remedy">
      {canMend && isAllowed && (
        <Button kind="primary" icon="unlock" isBusy={isBusy} onClick={() => void mend()}>
          {lock.cause === 'deleted' ? `Restore ${label}` : `Enable ${label}`}
        </Button>
      )}
      {canMend && !isAllowed && (
        <Button kind="primary" icon="copy" onClick={ask}>
          Copy a message to a key manager
        </Button>
      )}
      {lock.cause === 'unauthorized' && source && (
        <Button kind="primary" href={authorizeHref({ source: source.guid, target: instance.guid }, bucketHref(bucket))}>
          Create authorization
        </Button>
      )}
      <Button href={keyHref(instance, key)}>View root key</Button>
      {error && (
        <ErrorState
          title={isStatus(error, 401, 403) ? `Needs Manager on ${instance.name}.` : 'It could not be done.'}
          error={error}
        />
      )}
    </div>
  )
}
