import { keyLabel } from '../../client/key-protect.ts'
import { session } from '../../client/session.ts'
import { counted, formatBytes, formatCount } from '../../format.ts'
import { bucketHref, createBucketHref, keyHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Note } from '../../parts/note.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Seal } from '../../parts/seal.tsx'
import { href } from '../../router.ts'
import { useCreateBucketRight, useCreateKeyRight } from '../../use-rights.ts'
import { WhoLocked } from '../bucket/who-locked.tsx'
import { BucketsNotListed } from '../buckets/not-listed.tsx'
import type { BucketRow, KnownKey } from '../buckets/read-buckets.ts'
import { RequestsChart } from '../metrics/charts.tsx'
import { ActivityList } from './activity-list.tsx'
import { namesOf } from './key-names.ts'
import { KeyRow } from './key-row.tsx'
import type { Overview } from './read-overview.ts'
import { StoredBytes, totalOf } from './stored-bytes.tsx'

const SHOWN = 6
const SHOWN_LOCKED = 3

/** Those first that want something done. */
const byNeed = (one: KnownKey, other: KnownKey): number =>
  Number(one.key.state === ACTIVE) - Number(other.key.state === ACTIVE)
const ACTIVE = 1

export function Running({ overview }: { readonly overview: Overview }) {
  const { keys, activity, samples } = overview
  const buckets = overview.buckets ?? []
  const { halves } = session()
  const locked = buckets.filter(({ isLocked }) => isLocked)
  const total = totalOf(buckets)
  const names = namesOf(overview.keys)
  const [noBucket, noKey] = [useCreateBucketRight(), useCreateKeyRight()]
  return (
    <>
      <PageHead
        title="Overview"
        sub={`${overview.buckets ? `${counted(buckets.length, 'bucket')}, ${counted(total.objects, 'object')}, ${formatBytes(total.bytes)}. ` : ''}Everything at rest is encrypted.`}
        actions={
          <>
            {halves.keys && (
              <Button icon="key" href={href(['keys'], { create: '' })} disabledBecause={noKey}>
                Create root key
              </Button>
            )}
            {halves.objects && (
              <Button kind="primary" icon="plus" href={createBucketHref()} disabledBecause={noBucket}>
                Create bucket
              </Button>
            )}
          </>
        }
      />
      <div class="stack">
        {locked.slice(0, SHOWN_LOCKED).map((bucket) => (
          <LockedNote key={bucket.name} bucket={bucket} />
        ))}
        {locked.length > SHOWN_LOCKED && (
          <Note tone="warn" icon="lock">
            <a href={href(['buckets'], { filter: 'is:locked' })}>All {formatCount(locked.length)} locked buckets</a>
          </Note>
        )}
        <div class="columns wide-left">
          {overview.buckets ? (
            <StoredBytes buckets={buckets} stored={samples?.stored} names={names} />
          ) : (
            <Card title="Buckets" actions={<a href={href(['buckets'])}>Buckets</a>}>
              <BucketsNotListed />
            </Card>
          )}
          <Card title="Root keys" actions={<a href={href(['keys'])}>All keys</a>} isFlush>
            {keys.length === 0 ? (
              <EmptyState
                figure={<Seal size={40} />}
                title={noKey === undefined ? 'No root keys yet' : 'No root keys for you to see'}
                text="A root key of your own decides who can read what lies under it."
                action={
                  <Button href={href(['keys'], { create: '' })} disabledBecause={noKey}>
                    Create root key
                  </Button>
                }
              />
            ) : (
              <ul class="key-rows">
                {[...keys]
                  .sort(byNeed)
                  .slice(0, SHOWN)
                  .map(({ key, instance }) => (
                    <li key={key.id}>
                      <KeyRow
                        rootKey={key}
                        instance={instance}
                        buckets={overview.buckets?.filter(({ encryption }) => encryption?.key?.crn === key.crn).length}
                      />
                    </li>
                  ))}
              </ul>
            )}
          </Card>
        </div>
        {(samples || activity) && (
          <div class="columns">
            {samples && (
              <Card title="Requests, last 24 hours" actions={<a href={href(['metrics'])}>Metrics</a>}>
                <RequestsChart minutes={samples.minutes} />
              </Card>
            )}
            {activity && (
              <Card title="Activity" actions={<a href={href(['activity'])}>Open audit log</a>} isFlush>
                <ActivityList entries={activity} names={names} />
              </Card>
            )}
          </div>
        )}
        <CliHint command={`aws s3 ls${halves.keys ? '\ncoffer key ls' : ''}`} />
      </div>
    </>
  )
}

function LockedNote({ bucket: { name, encryption, usage } }: { readonly bucket: BucketRow }) {
  const key = encryption?.key
  const instance = encryption?.instance
  return (
    <Note
      tone="warn"
      icon="lock"
      actions={
        <>
          <Button isSmall href={bucketHref(name)}>
            See what’s affected
          </Button>
          {key && instance && (
            <Button isSmall href={keyHref(instance, key)}>
              Open the key
            </Button>
          )}
        </>
      }
    >
      <b>{name} is locked.</b> Its root key <b>{key ? keyLabel(key) : (encryption?.label ?? '')}</b>{' '}
      {key?.deleted ? 'was deleted' : key?.state === 2 ? 'is disabled' : 'cannot be used'}.{' '}
      {usage ? counted(usage.objects, 'object') : 'Its objects'} can’t be read or written until the key is back.
      {key && (key.state === 2 || key.deleted) && (
        <WhoLocked rootKeyCrn={key.crn} cause={key.deleted ? 'deleted' : 'disabled'} />
      )}
    </Note>
  )
}
