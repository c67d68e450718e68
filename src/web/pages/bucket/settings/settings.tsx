import { getTags, putTags } from '../../../client/s3.ts'
import { Card } from '../../../parts/card.tsx'
import { CliHint } from '../../../parts/cli-hint.tsx'
import { Loaded } from '../../../parts/loaded.tsx'
import { TagEditor } from '../../../parts/tag-editor.tsx'
import { useLoad } from '../../../use-load.ts'
import { useBucketRights } from '../../../use-rights.ts'
import type { PageProps } from '../../page.ts'
import { BucketFrame, useBucket } from '../frame.tsx'
import { ConfigEditor } from './config-editor.tsx'
import { DeleteCard } from './delete-card.tsx'
import { PublicAccessCard } from './public-access-card.tsx'
import { QuotaCard } from './quota-card.tsx'
import { VersioningCard } from './versioning-card.tsx'

const POLICY = `{
  "Version": "2012-10-17",
  "Statement": [{ "Effect": "Allow", "Principal": …, "Action": "s3:GetObject", "Resource": … }]
}`
const CORS =
  '<CORSConfiguration><CORSRule><AllowedOrigin>https://app.example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>'

const CHANGES = [
  's3:PutBucketVersioning',
  's3:PutBucketObjectLockConfiguration',
  's3:PutBucketPolicy',
  's3:PutBucketCORS',
  's3:PutBucketPublicAccessBlock',
  's3:PutBucketQuota',
  's3:PutBucketTagging',
  's3:DeleteBucket',
] as const

export function Page({ params: { bucket = '' } }: PageProps) {
  const facts = useBucket(bucket)
  const missing = useBucketRights(bucket, CHANGES)
  return (
    <BucketFrame bucket={bucket} tab="settings" facts={facts}>
      {(value) => (
        <div class="stack">
          <div class="columns">
            <div class="stack">
              <VersioningCard facts={value} missing={missing} />
              <ConfigEditor
                {...{ bucket, name: 'policy', title: 'Policy', placeholder: POLICY, isJson: true }}
                refusal={missing('s3:PutBucketPolicy')}
                note="Who may do what, beside the rights that they have"
              />
              <ConfigEditor
                {...{ bucket, name: 'cors', title: 'CORS', placeholder: CORS }}
                refusal={missing('s3:PutBucketCORS')}
                note="Which web sites may ask from a browser"
              />
            </div>
            <div class="stack">
              <PublicAccessCard bucket={bucket} refusal={missing('s3:PutBucketPublicAccessBlock')} />
              <QuotaCard bucket={bucket} usedBytes={value.usage?.bytes} refusal={missing('s3:PutBucketQuota')} />
              <BucketTags bucket={bucket} refusal={missing('s3:PutBucketTagging')} />
              <DeleteCard facts={value} refusal={missing('s3:DeleteBucket')} />
            </div>
          </div>
          <CliHint
            command={`coffer bucket versioning ${bucket}\ncoffer bucket policy get ${bucket}\naws s3api get-bucket-cors --bucket ${bucket}`}
          />
        </div>
      )}
    </BucketFrame>
  )
}

function BucketTags({ bucket, refusal }: { readonly bucket: string; readonly refusal: string | undefined }) {
  const read = () => getTags(bucket)
  const tags = useLoad(read, [bucket])
  return (
    <Card title="Tags">
      <Loaded load={tags} failed="The tags could not be read." skeletonRows={2}>
        {(value) => (
          <TagEditor tags={value} read={read} disabledBecause={refusal} onSave={(wanted) => putTags(wanted, bucket)} />
        )}
      </Loaded>
    </Card>
  )
}
