import { useState } from 'preact/hooks'
import { cancelRewrap, getBucketUsage, type Job, pauseRewrap, resumeRewrap, startRewrap } from '../../client/admin.ts'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import { causeOf } from '../../client/bucket-facts.ts'
import { counted, formatBytes, formatCount, formatSpan } from '../../format.ts'
import { bucketTabHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Chip } from '../../parts/chip.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Meter } from '../../parts/meter.tsx'
import { Time } from '../../parts/time.tsx'
import { useLoad } from '../../use-load.ts'
import { useBucketRights } from '../../use-rights.ts'
import { WhoLocked } from '../bucket/who-locked.tsx'
import { nameOfKey, useKeyNames } from '../overview/key-names.ts'
import { refusedWords } from '../who-can-read/words.ts'

const STATES = {
  running: { label: 'Running', tone: 'dek' },
  paused: { label: 'Paused', tone: 'warn' },
  done: { label: 'Done', tone: 'ok' },
  failed: { label: 'Failed', tone: 'bad' },
  cancelled: { label: 'Cancelled', tone: 'plain' },
} as const

const stateOf = (state: string) =>
  Object.entries(STATES).find(([name]) => name === state)?.[1] ?? { label: state, tone: 'plain' as const }

/** The rewrapping of one bucket: how far it is, and what can be done about it. */
export function JobCard({ job }: { readonly job: Job }) {
  const { bucket, state, examined, rewrapped, reencrypts, problem, refusals, startedAt, finishedAt } = job
  const [error, setError] = useState<ApiError>()
  const usage = useLoad((signal) => getBucketUsage(bucket, signal).catch(() => undefined), [bucket])
  const total = usage.value === undefined ? undefined : usage.value.objects + (usage.value['uploads'] ?? 0)
  const isWaiting = state === 'running' && refusals !== undefined && refusals.length > 0
  const { label, tone } = isWaiting ? ({ label: 'Waiting', tone: 'warn' } as const) : stateOf(state)
  const names = useKeyNames()
  const noRight = useBucketRights(bucket, ['s3:PutEncryptionConfiguration'])('s3:PutEncryptionConfiguration')
  const act = async (how: (bucket: string) => Promise<unknown>): Promise<void> => {
    setError(undefined)
    await how(bucket).catch((cause: unknown) => setError(toApiError(cause)))
  }
  return (
    <div class="job">
      <div class="row wrap">
        <b>
          {reencrypts ? 'Re-encrypt' : 'Rewrap'}{' '}
          <a class="inline-link" href={bucketTabHref(bucket, 'encryption')}>
            {bucket}
          </a>
        </b>
        <Chip isSmall tone={tone}>
          {label}
        </Chip>
        <span class="muted small">
          began <Time at={startedAt} />
          {finishedAt !== undefined && (
            <>
              , ended <Time at={finishedAt} />
            </>
          )}
        </span>
        <span class="end row">
          {state === 'running' && (
            <Button isSmall icon="pause" disabledBecause={noRight} onClick={() => void act(pauseRewrap)}>
              Pause
            </Button>
          )}
          {state === 'paused' && (
            <Button isSmall icon="play" disabledBecause={noRight} onClick={() => void act(resumeRewrap)}>
              Resume
            </Button>
          )}
          {(state === 'failed' || state === 'cancelled') && (
            <Button isSmall icon="rotate" disabledBecause={noRight} onClick={() => void act(startRewrap)}>
              {state === 'failed' ? 'Try again' : 'Begin again'}
            </Button>
          )}
          {(state === 'running' || state === 'paused') && (
            <Button isSmall disabledBecause={noRight} onClick={() => void act(cancelRewrap)}>
              Cancel
            </Button>
          )}
        </span>
      </div>
      <Meter
        label={`${reencrypts ? 'Re-encryption' : 'Rewrapping'} of ${bucket}`}
        value={state === 'done' ? 1 : examined}
        max={state === 'done' ? 1 : Math.max(total ?? 0, examined, 1)}
        tone={state === 'done' ? 'ok' : state === 'failed' ? 'bad' : 'brass'}
      />
      <span class="muted small number">
        {formatCount(examined)}
        {total !== undefined && state !== 'done' ? ` of ${formatCount(Math.max(total, examined))}` : ''} looked at,{' '}
        {reencrypts
          ? `${counted(reencrypts.versions, 'object')} re-encrypted, ${formatBytes(reencrypts.bytes)}`
          : `${counted(rewrapped, 'data key')} rewrapped`}
        {finishedAt !== undefined && state === 'done' && tookText(startedAt, finishedAt, reencrypts?.bytes)}
      </span>
      {reencrypts && reencrypts.damaged > 0 && (
        <span class="bad-text small">
          {counted(reencrypts.damaged, 'damaged object')} could not be opened and went along as stored:{' '}
          <code>coffer verify {bucket}</code> names what is damaged.
        </span>
      )}
      {problem !== undefined && (
        <span class="bad-text small">
          {refusals && refusals.length > 0
            ? `${refusals.map(({ rootKeyCrn, problem: why }) => `${nameOfKey(rootKeyCrn, names)} ${refusedWords(why)}`).join(', ')}. What lies under it is rewrapped when it opens again.`
            : problem}
          {refusals?.map(({ rootKeyCrn, problem: why }) => (
            <WhoLocked key={rootKeyCrn} rootKeyCrn={rootKeyCrn} cause={causeOf(why)} />
          ))}
        </span>
      )}
      {error && <ErrorState title="It could not be done." error={error} />}
    </div>
  )
}

/** How long it took, and how fast it went where that can be told. */
function tookText(startedAt: string, finishedAt: string, bytes = 0): string {
  const ms = Date.parse(finishedAt) - Date.parse(startedAt)
  return `, took ${formatSpan(ms)}${bytes > 0 && ms > 0 ? `, ${formatBytes((bytes * 1000) / ms)}/s` : ''}`
}
