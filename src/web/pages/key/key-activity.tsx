import { type FoundActivity, whoOf } from '../../client/activity.ts'
import type { RootKey } from '../../client/key-protect.ts'
import { lastOfCrn } from '../../format.ts'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { Time } from '../../parts/time.tsx'
import { href } from '../../router.ts'
import type { Loaded } from '../../use-load.ts'
import { iconOf } from '../impact/who-notices.tsx'

export interface KeyActivityProps {
  readonly rootKey: RootKey
  readonly history: Loaded<FoundActivity | undefined>
}

const MOST = 8

export const KeyActivity = ({ rootKey, history, history: { value } }: KeyActivityProps) => (
  <Card
    title="Activity"
    note="what was done to this key"
    actions={
      value && (
        <a class="small" href={href(['activity'], { key: lastOfCrn(rootKey.crn) })}>
          All of it
        </a>
      )
    }
  >
    {history.error && <p class="muted">The audit log is shown to administrators of the account.</p>}
    {!value && history.isSlow && <Skeleton rows={2} />}
    {value?.entries.length === 0 && (
      <p class="muted">
        {value.unseenBefore === undefined
          ? 'Nothing yet.'
          : 'Nothing in the newest part of the audit log, which is too long to look through here.'}
      </p>
    )}
    <ul class="noticers wide">
      {value?.entries.slice(0, MOST).map((entry) => (
        <li key={entry.seq}>
          <Icon name={iconOf(entry.said.who.kind ?? '')} size="small" />
          <b class="ellipsis">{whoOf(entry)}</b>
          <span class="ellipsis" title={entry.why}>
            {entry.said.did}
            {entry.why !== undefined && <span class="muted">: “{entry.why}”</span>}
            {entry.outcome === 'failure' && (
              <>
                {' '}
                <Chip isSmall tone="bad">
                  {entry.code ?? 'refused'}
                </Chip>
              </>
            )}
          </span>
          <span class="muted small nowrap">
            <Time at={entry.time} />
          </span>
        </li>
      ))}
    </ul>
  </Card>
)
