import { type ActivityEntry, whoOf } from '../../client/activity.ts'
import type { RootKey } from '../../client/key-protect.ts'
import { lastOfCrn } from '../../format.ts'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Time } from '../../parts/time.tsx'
import { href } from '../../router.ts'
import { iconOf } from '../impact/who-notices.tsx'

export interface KeyActivityProps {
  readonly rootKey: RootKey
  readonly history: readonly ActivityEntry[] | undefined
}

const MOST = 8

export const KeyActivity = ({ rootKey, history }: KeyActivityProps) => (
  <Card
    title="Activity"
    note="what was done to this key"
    actions={
      history && (
        <a class="small" href={href(['activity'], { key: lastOfCrn(rootKey.crn) })}>
          All of it
        </a>
      )
    }
  >
    {history === undefined && <p class="muted">The audit log is shown to administrators of the account.</p>}
    {history?.length === 0 && <p class="muted">Nothing yet.</p>}
    <ul class="noticers wide">
      {history?.slice(0, MOST).map((entry) => (
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
