import { useState } from 'preact/hooks'
import { getScrub, listScrubFindings, startScrub } from '../../client/admin.ts'
import { type ApiError, isStatus, toApiError } from '../../client/api-error.ts'
import { listOf, member, textOf } from '../../client/json.ts'
import { unopenedIn } from '../../client/lock-story.ts'
import { counted, formatBytes } from '../../format.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Note } from '../../parts/note.tsx'
import { Time } from '../../parts/time.tsx'
import { useLoad } from '../../use-load.ts'
import { storageName } from '../../use-rights.ts'

const EVERY_MS = 5000
const MOST_SHOWN = 50

const numberOf = (value: unknown, name: string): number => {
  const found = member(value, name)
  return typeof found === 'number' ? found : 0
}

const placeOf = (finding: unknown): string =>
  [textOf(finding, 'bucket'), textOf(finding, 'key')].filter((part) => part !== '').join('/') || textOf(finding, 'file')

/** The look through all that is stored, to the last tag. */
export function ScrubCard() {
  const scrub = useLoad((signal) => getScrub(signal), [], { topics: ['jobs'], everyMs: EVERY_MS })
  const findings = useLoad((signal) => listScrubFindings(signal), [numberOf(scrub.value, 'findings')])
  const [error, setError] = useState<ApiError>()
  const found = listOf(findings.value, 'findings')
  const notShown = Math.max(found.length, numberOf(scrub.value, 'findings')) - Math.min(found.length, MOST_SHOWN)
  const begin = async (): Promise<void> => {
    setError(undefined)
    await startScrub()
      .then(scrub.reload)
      .catch((cause: unknown) => setError(toApiError(cause)))
  }
  const needs = `Manager on ${storageName()}`
  const mayNot = scrub.error !== undefined && isStatus(scrub.error, 401, 403)
  const state = textOf(scrub.value, 'state')
  const isNever = state === 'idle' && textOf(scrub.value, 'finishedAt') === ''
  const isRunning = state === 'running' || state === 'waiting'
  return (
    <Card
      title="Scrub"
      note="Reads everything back and checks each tag"
      actions={
        <Button
          isSmall
          icon="play"
          disabledBecause={mayNot ? `Needs ${needs}` : isRunning ? 'It is under way' : undefined}
          onClick={() => void begin()}
        >
          Start now
        </Button>
      }
    >
      <div class="stack tight">
        <Loaded load={scrub} failed="The scrub could not be asked." needs={needs} skeletonRows={2}>
          {(value) => (
            <div class="row wrap">
              <Chip
                tone={found.length > 0 ? 'bad' : isRunning ? 'dek' : isNever ? 'plain' : 'ok'}
                icon={found.length > 0 ? 'alert' : isRunning || isNever ? 'clock' : 'check'}
              >
                {found.length > 0
                  ? 'Damage found'
                  : state === 'waiting'
                    ? 'Waiting for less to do'
                    : isRunning
                      ? 'Under way'
                      : isNever
                        ? 'Not looked through yet'
                        : 'No damage found'}
              </Chip>
              <span class="muted small">
                {counted(numberOf(value, 'objects'), 'object')}, {formatBytes(numberOf(value, 'bytesRead'))} read
                {unopenedIn(value) > 0 &&
                  `, ${counted(unopenedIn(value), 'object')} could not be opened for their keys`}
                {textOf(value, 'finishedAt') !== '' && (
                  <>
                    , ended <Time at={textOf(value, 'finishedAt')} />
                  </>
                )}
                {textOf(value, 'dueAt') !== '' && (
                  <>
                    , next <Time at={textOf(value, 'dueAt')} />
                  </>
                )}
              </span>
            </div>
          )}
        </Loaded>
        {error && <ErrorState title="It could not be started." error={error} />}
        {found.slice(0, MOST_SHOWN).map((finding, index) => (
          <Note key={index} tone="bad" icon="alert">
            <code>{placeOf(finding)}</code> {textOf(finding, 'damage') || textOf(finding, 'kind')}
          </Note>
        ))}
        {found.length > 0 && notShown > 0 && (
          <p class="muted small">and {counted(notShown, 'more finding')}: see coffer scrub findings</p>
        )}
      </div>
    </Card>
  )
}
