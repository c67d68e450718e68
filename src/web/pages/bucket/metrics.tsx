import { counted, formatBytes, formatCount } from '../../format.ts'
import { Card } from '../../parts/card.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
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
                <Figure value={formatBytes(usage.bytes)} of="of plaintext" />
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
          {usage && usage.objects > 0 && (
            <p class="muted small">{counted(usage.objects, 'data key')}: each object has its own.</p>
          )}
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
