import { Card } from '../../parts/card.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import type { PageProps } from '../page.ts'
import { WhoCanReadView } from '../who-can-read/who-can-read.tsx'
import { BucketFrame, useBucket } from './frame.tsx'

export function Page({ params: { bucket = '' } }: PageProps) {
  const facts = useBucket(bucket)
  return (
    <BucketFrame bucket={bucket} tab="who-can-read" facts={facts}>
      {() => (
        <div class="stack">
          <Card title="Who can read" note="Every link must hold. Remove any one and reads stop.">
            <WhoCanReadView bucket={bucket} hasTable />
          </Card>
          <CliHint command={`coffer bucket who-can-read ${bucket}`} />
        </div>
      )}
    </BucketFrame>
  )
}
