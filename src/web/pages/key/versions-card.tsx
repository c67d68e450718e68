import { useState } from 'preact/hooks'
import type { ActivityEntry } from '../../client/activity.ts'
import { startRewrap } from '../../client/admin.ts'
import { toApiError } from '../../client/api-error.ts'
import { keyLabel } from '../../client/key-protect.ts'
import type { Instance } from '../../client/session.ts'
import { counted, formatCount, formatPercent } from '../../format.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Meter } from '../../parts/meter.tsx'
import { toast } from '../../parts/toast.tsx'
import { useKeyRights } from '../../use-rights.ts'
import { everyMonths } from '../keys/key-facts.ts'
import { objectsOf } from '../keys/read-keys.ts'
import { openDrawer } from './key-drawers.tsx'
import { type Pause, pausesOf, type WholeKey } from './read-key.ts'
import { Timeline, wordsOfPause } from './timeline.tsx'

export interface VersionsCardProps extends WholeKey {
  readonly instance: Instance
  /** As far as it is known. */
  readonly history: readonly ActivityEntry[] | undefined
}

export function VersionsCard(whole: VersionsCardProps) {
  const { instance, rootKey } = whole
  const missing = useKeyRights(instance, rootKey)
  const { rotation } = rootKey
  const pauses = pausesOf(whole.history ?? [])
  return (
    <Card
      isFlush
      title="Versions and rotation"
      note={`${rotation?.enabled ? `Rotates ${everyMonths(rotation.interval_month)}.` : 'Rotates by hand.'} Old versions only unwrap, never wrap.`}
      actions={
        rootKey.state !== 5 && (
          <Button
            isSmall
            kind="ghost"
            disabledBecause={missing('kms.policies.write')}
            onClick={() => openDrawer('policy')}
          >
            Edit policy
          </Button>
        )
      }
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div class="timeline-frame" role="region" aria-label="Timeline of versions" tabIndex={0}>
        {whole.versions.length > 0 ? (
          <Timeline {...whole} pauses={pauses} />
        ) : (
          <p class="muted">The versions of this key may not be seen by you.</p>
        )}
      </div>
      {pauses.length > 0 && <Pauses pauses={pauses} />}
      <RewrapStrip {...whole} />
    </Card>
  )
}

const SHOWN_PAUSES = 3

/** What the notches of the timeline are, in words: the newest first. */
const Pauses = ({ pauses }: { readonly pauses: readonly Pause[] }) => (
  <ul class="timeline-pauses muted small" aria-label="When it was disabled">
    {pauses
      .toReversed()
      .slice(0, SHOWN_PAUSES)
      .map((pause) => (
        <li key={pause.fromMs}>
          <span aria-hidden="true">‖ </span>
          {wordsOfPause(pause)}
        </li>
      ))}
    {pauses.length > SHOWN_PAUSES && <li>and {counted(pauses.length - SHOWN_PAUSES, 'time')} before</li>}
  </ul>
)

/** How much is under the newest version, and a way to bring the rest there. */
function RewrapStrip({ rootKey, versions, usage, jobs }: WholeKey) {
  const [isBusy, setBusy] = useState(false)
  const [newest] = versions
  const all = usage ? objectsOf(usage) : 0
  if (!usage || !newest || versions.length < 2 || all === 0) return null
  const onNewest = usage.versions.find(({ keyVersion }) => keyVersion === newest.id)?.objects ?? 0
  const rest = all - onNewest
  const running = jobs.filter(({ state }) => state === 'running')
  const behind = usage.buckets.filter((bucket) =>
    bucket.versions.some(
      (version) => version.keyVersion !== newest.id && (version.objects > 0 || version.bucketKeys > 0),
    ),
  )
  const rewrap = async (): Promise<void> => {
    setBusy(true)
    const starts = await Promise.allSettled(behind.map(({ name }) => startRewrap(name)))
    const failed = starts.find((start) => start.status === 'rejected')
    if (failed) toast(`Not everything is being rewrapped: ${toApiError(failed.reason).message}`, 'bad')
    else toast(`Rewrapping ${counted(behind.length, 'bucket')} to v${versions.length}`)
    setBusy(false)
  }
  return (
    <div class="rewrap-strip">
      <Icon name="rotate" />
      <div>
        <div class="row wrap">
          <span>
            <b>
              {formatPercent(onNewest, all)} of data keys are on v{versions.length}.
            </b>{' '}
            {rest > 0
              ? `${formatCount(rest)} are still under older versions. Rewrapping changes only the envelope, never the object.`
              : 'Nothing is left under older versions.'}
          </span>
          <span class="muted small number end">
            {formatCount(onNewest)} of {formatCount(all)}
          </span>
        </div>
        <Meter
          label={`Data keys of ${keyLabel(rootKey)} on its newest version`}
          value={onNewest}
          max={all}
          tone="brass"
        />
      </div>
      {running.length > 0 ? (
        <span class="muted small nowrap">rewrapping…</span>
      ) : (
        rest > 0 && (
          <Button
            isSmall
            isBusy={isBusy}
            disabledBecause={rootKey.state === 2 ? 'The key is disabled' : undefined}
            onClick={() => void rewrap()}
          >
            Rewrap the rest
          </Button>
        )
      )}
    </div>
  )
}
