import { listBuckets } from '../../client/s3.ts'
import { counted } from '../../format.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Icon } from '../../parts/icon.tsx'
import { setQuery, usePlace } from '../../router.ts'
import { useLoad } from '../../use-load.ts'
import { WhoCanReadView } from '../who-can-read/who-can-read.tsx'
import { type Authorization, titleOf } from './read-authorizations.ts'

export interface ReadersCardProps {
  readonly authorizations: readonly Authorization[] | undefined
}

/** Of one bucket, and what would be if the authorization that it needs were gone. */
export function ReadersCard({ authorizations }: ReadersCardProps) {
  const { query } = usePlace()
  const buckets = useLoad((signal) => listBuckets(signal), [], { topics: ['buckets'] })
  const names = buckets.value?.map(({ name }) => name) ?? []
  if (names.length === 0 || authorizations === undefined) return null
  const needing = authorizations.find(({ impact }) => (impact?.buckets.length ?? 0) > 0)
  const bucket = query.get('bucket') ?? needing?.impact?.buckets[0]?.bucket ?? names[0] ?? ''
  const needed = authorizations.find(({ impact }) => impact?.buckets.some((one) => one.bucket === bucket))
  return (
    <Card
      title="Who can read"
      note={
        <span class="row wrap">
          <span class="input select filter-select readers-choice">
            <Icon name="bucket" size="small" />
            <select
              aria-label="Bucket"
              value={bucket}
              onChange={(event) => setQuery({ bucket: event.currentTarget.value })}
            >
              {names.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
            <Icon name="chevron" size="small" />
          </span>
          Every link must hold. Remove any one and reads stop.
        </span>
      }
      actions={
        <span class="legend">
          <span>
            <i class="swatch ok" />
            Allowed
          </span>
          <span>
            <i class="swatch bad" />
            Denied
          </span>
        </span>
      }
    >
      <WhoCanReadView bucket={bucket} />
      {needed?.impact && (
        <div class="what-if">
          <Icon name="eye" />
          <div>
            <b>If you delete “{titleOf(needed)}”</b>
            <span>
              {counted(needed.impact.total.buckets, 'bucket')} and {counted(needed.impact.total.objects, 'object')} stop
              being readable at once.
            </span>
          </div>
          <Button isSmall onClick={() => setQuery({ delete: needed.policy.id }, {})}>
            Preview
          </Button>
        </div>
      )}
    </Card>
  )
}
