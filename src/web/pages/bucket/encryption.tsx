import { listJobs, startRewrap } from '../../client/admin.ts'
import type { BucketFacts } from '../../client/bucket-facts.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Envelope } from '../../parts/envelope.tsx'
import { told } from '../../parts/toast.tsx'
import { useLoad } from '../../use-load.ts'
import { useBucketRights } from '../../use-rights.ts'
import { JobCard } from '../jobs/job-card.tsx'
import type { PageProps } from '../page.ts'
import { BucketFrame, useBucket } from './frame.tsx'
import { MoveCard } from './move-card.tsx'

export function Page({ params: { bucket = '' } }: PageProps) {
  const facts = useBucket(bucket)
  return (
    <BucketFrame bucket={bucket} tab="encryption" facts={facts}>
      {(value) => <EncryptionTab facts={value} />}
    </BucketFrame>
  )
}

const EVERY_MS = 1000

function EncryptionTab({ facts }: { readonly facts: BucketFacts }) {
  const { name: bucket, isCustomerManaged, rootKey, lock } = facts
  const job = useLoad(
    async (signal) => (await listJobs(signal)).find((one) => one.bucket === bucket) ?? null,
    [bucket],
    {
      topics: ['jobs'],
      everyMs: EVERY_MS,
    },
  )
  const missing = useBucketRights(bucket, ['s3:PutEncryptionConfiguration'])
  const label = rootKey?.label ?? 'a root key of the customer’s'
  return (
    <div class="columns with-aside">
      <div class="stack">
        <MoveCard facts={facts} />
        {job.value && (
          <Card title={job.value.reencrypts ? 'Latest re-encryption' : 'Latest rewrap'}>
            <JobCard job={job.value} />
          </Card>
        )}
      </div>
      <Card
        title="Now"
        actions={
          <Button
            isSmall
            icon="rotate"
            disabledBecause={
              missing('s3:PutEncryptionConfiguration') ??
              (lock ? 'The bucket is locked' : job.value?.state === 'running' ? 'It is under way' : undefined)
            }
            onClick={() => void told(startRewrap(bucket))}
          >
            Rewrap
          </Button>
        }
      >
        <div class="outcome-picture">
          <Envelope state={lock ? 'broken' : isCustomerManaged === false ? 'provider' : 'sealed'} />
        </div>
        <p class="small">
          {isCustomerManaged === undefined ? (
            'What wraps the data key of each new object is not for you to see.'
          ) : isCustomerManaged ? (
            <>
              <b>{label}</b> wraps the data key of each new object
              {rootKey && rootKey.version !== undefined && `, with its version ${rootKey.version}`}.
            </>
          ) : (
            <>
              <b>Coffer’s own root key</b> wraps the data key of each new object.
            </>
          )}{' '}
          A rewrap puts older data keys under the newest version; the objects are not touched.
        </p>
      </Card>
    </div>
  )
}
