import { formatBytes, formatCount } from '../../format.ts'
import { Card } from '../../parts/card.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { href } from '../../router.ts'
import { DataKeysCard } from '../metrics/data-keys-card.tsx'
import type { PageProps } from '../page.ts'
import { BucketFrame, useBucket } from './frame.tsx'

export function Page({ params: { bucket = '' } }: PageProps) {
  const facts = useBucket(bucket)
  return (
    <BucketFrame bucket={bucket} tab="metrics" facts={facts}>
      {({ usage }) => (
        <div class="stack">
          <Card title="What is stored" note="Counted with every write">
            {usage ? (
              <div class="figures">
                <Figure value={formatCount(usage.objects)} of="objects, all versions" />
                <Figure value={formatBytes(usage.bytes)} of="stored, before encryption" />
                <Figure value={formatCount(usage['uploads'] ?? 0)} of="uploads under way" />
                <Figure
                  value={usage.objects === 0 ? '–' : formatBytes(usage.bytes / usage.objects)}
                  of="an object on average"
                />
              </div>
            ) : (
              <EmptyState title="Not for you to see" text={`Needs s3:GetBucketUsage on ${bucket}.`} />
            )}
          </Card>
          <div class="columns">
            <DataKeysCard title="Data keys of its objects and its listing" of={{ bucket }} />
            <Card title="What is not counted by bucket">
              <p class="small">
                Requests, how long they take, and bytes in and out are counted for the whole server, and what is stored
                over time by encryption: see <a href={href(['metrics'])}>Metrics</a> and{' '}
                <a href={href([''])}>Overview</a>. What was done with this bucket, one by one, is in{' '}
                <a href={href(['activity'], { bucket })}>Activity</a>.
              </p>
            </Card>
          </div>
          <CliHint command={`coffer bucket show ${bucket}`} />
        </div>
      )}
    </BucketFrame>
  )
}

const Figure = ({ value, of }: { readonly value: string; readonly of: string }) => (
  <div>
    <div class="big-number">{value}</div>
    <div class="muted small">{of}</div>
  </div>
)
