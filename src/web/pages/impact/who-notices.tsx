import { counted, formatAgo } from '../../format.ts'
import { Icon, type IconName } from '../../parts/icon.tsx'
import type { DarkBucket, Noticer } from './impact.ts'

export interface WhoNoticesProps {
  readonly noticers: readonly Noticer[] | undefined
  readonly buckets: readonly DarkBucket[]
}

const MOST = 6

export function WhoNotices({ noticers, buckets }: WhoNoticesProps) {
  const uploads = buckets.reduce((sum, bucket) => sum + (bucket.uploads ?? 0), 0)
  return (
    <section>
      <h3>Who notices</h3>
      {noticers === undefined && <p class="muted small">Who used them is shown to administrators of the account.</p>}
      {noticers?.length === 0 && uploads === 0 && <p class="muted small">Nobody used them in the last hour.</p>}
      <ul class="noticers">
        {noticers?.slice(0, MOST).map((noticer) => (
          <li key={noticer.id}>
            <Icon name={iconOf(noticer.kind)} size="small" />
            <b class="ellipsis">{noticer.name}</b>
            <span class="muted ellipsis">
              {noticer.last.said.did} {noticer.last.said.what.bucket} {formatAgo(noticer.last.time)}
            </span>
            <span class="number">{counted(noticer.requests, 'request')}</span>
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
