import { nameOfId } from '../../client/activity.ts'
import type { RecentReaders } from '../../client/impact.ts'
import { counted, formatAgo } from '../../format.ts'
import { Icon, type IconName } from '../../parts/icon.tsx'
import type { DarkBucket } from './impact.ts'

export interface WhoNoticesProps {
  readonly recent: RecentReaders | undefined
  readonly buckets: readonly DarkBucket[]
}

const MOST = 6

export function WhoNotices({ recent, buckets }: WhoNoticesProps) {
  const uploads = buckets.reduce((sum, bucket) => sum + (bucket.uploads ?? 0), 0)
  return (
    <section>
      <h3>Who notices</h3>
      {recent === undefined && <p class="muted small">Who used them is shown to administrators of the account.</p>}
      {recent?.people.length === 0 && uploads === 0 && (
        <p class="muted small">Nobody used them since {formatAgo(recent.since)}.</p>
      )}
      <ul class="noticers">
        {recent?.people.slice(0, MOST).map(({ id = '', name, uses, last, buckets: used }) => (
          <li key={id}>
            <Icon name={id === 'coffer' || /^(crn|iam)-/.test(id) ? 'robot' : 'people'} size="small" />
            <b class="ellipsis">{nameOfId(id, name)}</b>
            <span class="muted ellipsis">
              used {used.join(', ')} {formatAgo(last)}
            </span>
            <span class="number">{counted(uses, 'time')}</span>
          </li>
        ))}
        {uploads > 0 && (
          <li>
            <Icon name="upload" size="small" />
            <b>{counted(uploads, 'upload')}</b>
            <span class="muted">under way: new parts are refused</span>
            <span />
          </li>
        )}
      </ul>
    </section>
  )
}

export const iconOf = (kind: string): IconName =>
  kind === 'service-id' || kind === 'service' || kind === 'server' ? 'robot' : 'people'
