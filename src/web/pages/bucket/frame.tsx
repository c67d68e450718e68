import type { ComponentChildren } from 'preact'
import { isStatus } from '../../client/api-error.ts'
import { type BucketFacts, readBucketFacts } from '../../client/bucket-facts.ts'
import { counted, formatBytes } from '../../format.ts'
import { bucketHref, bucketTabHref, keyHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Chip } from '../../parts/chip.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { TabLinks } from '../../parts/tabs.tsx'
import { href } from '../../router.ts'
import { type Loaded, useLoad } from '../../use-load.ts'
import { LockBanner } from './lock-banner.tsx'

export type BucketTab = 'objects' | 'encryption' | 'who-can-read' | 'lifecycle' | 'metrics' | 'settings'

const TABS: readonly { readonly id: BucketTab; readonly title: string }[] = [
  { id: 'objects', title: 'Objects' },
  { id: 'encryption', title: 'Encryption' },
  { id: 'who-can-read', title: 'Who can read' },
  { id: 'lifecycle', title: 'Lifecycle' },
  { id: 'metrics', title: 'Metrics' },
  { id: 'settings', title: 'Settings' },
]

const EVERY_MS = 15_000

export const useBucket = (bucket: string): Loaded<BucketFacts> =>
  useLoad((signal) => readBucketFacts(bucket, signal), [bucket], {
    topics: ['buckets', 'keys', 'objects', 'access', 'jobs'],
    everyMs: EVERY_MS,
  })

export interface BucketFrameProps {
  readonly bucket: string
  readonly tab: BucketTab
  readonly facts: Loaded<BucketFacts>
  readonly actions?: ComponentChildren
  readonly children: (facts: BucketFacts) => ComponentChildren
}

/** What all tabs of a bucket have: its name, what seals it, and the way to the others. */
export function BucketFrame({ bucket, tab, facts, actions, children }: BucketFrameProps) {
  const { value, error, isSlow, reload } = facts
  if (error && !value) {
    return (
      <>
        <PageHead title={bucket} />
        {isStatus(error, 404) ? (
          <EmptyState
            figure={<Icon name="bucket" size="large" />}
            title="There is no such bucket"
            text="It may have been deleted, or be called otherwise."
            action={<Button href={href(['buckets'])}>Go to the buckets</Button>}
          />
        ) : (
          <ErrorState title="The bucket could not be read." error={error} onRetry={reload} />
        )}
      </>
    )
  }
  return (
    <>
      <PageHead
        title={bucket}
        mark={value?.lock && <LockMark facts={value} />}
        sub={<span class="chips">{value ? <Facts facts={value} /> : <Chip>…</Chip>}</span>}
        actions={actions}
      />
      <TabLinks
        label={`Of ${bucket}`}
        current={tab}
        tabs={TABS.map(({ id, title }) => ({
          ...{ id, title },
          href: id === 'objects' ? bucketHref(bucket) : bucketTabHref(bucket, id),
        }))}
      />
      {value?.lock && <LockBanner facts={value} lock={value.lock} />}
      {value ? children(value) : isSlow && <Skeleton rows={6} />}
    </>
  )
}

const LockMark = ({ facts }: { readonly facts: BucketFacts }) =>
  facts.lock?.cause === 'unreachable' ? (
    <Chip tone="warn" icon="alert">
      Key unreachable
    </Chip>
  ) : (
    <Chip tone="bad" icon="lock">
      Locked
    </Chip>
  )

function Facts({ facts }: { readonly facts: BucketFacts }) {
  const { versioning, location, usage } = facts
  return (
    <>
      <KeyChip facts={facts} />
      {versioning !== undefined && (
        <Chip icon="clock">
          Versioning {versioning === 'Enabled' ? 'on' : versioning === 'Off' ? 'off' : 'suspended'}
        </Chip>
      )}
      {location !== '' && <Chip>{location}</Chip>}
      {usage && (
        <Chip>
          <span class="number">
            {counted(usage.objects, 'object')} · {formatBytes(usage.bytes)}
          </span>
        </Chip>
      )}
    </>
  )
}

/** What wraps the data keys of what is new in the bucket. */
export function KeyChip({ facts }: { readonly facts: BucketFacts }) {
  const { isCustomerManaged, rootKey, lock } = facts
  if (isCustomerManaged === undefined) return null
  if (!isCustomerManaged) {
    return (
      <Chip tone="ct" icon="lock">
        Provider-managed
      </Chip>
    )
  }
  if (!rootKey) {
    return (
      <Chip tone={lock && lock.cause !== 'unreachable' ? 'bad' : 'brass'} icon="key">
        Customer-managed
      </Chip>
    )
  }
  const to = keyHref(rootKey.instance, rootKey.key)
  return lock && lock.cause !== 'unreachable' ? (
    <Chip tone="bad" icon="key" href={to}>
      {rootKey.label} · {WORDS[lock.cause]}
    </Chip>
  ) : (
    <Chip tone="brass" icon="key" href={to}>
      {rootKey.label}
      {rootKey.version !== undefined && <span class="light">v{rootKey.version}</span>}
    </Chip>
  )
}

const WORDS = {
  disabled: 'disabled',
  expired: 'expired',
  deleted: 'deleted',
  unauthorized: 'not authorized',
  'wrong-key': 'not the right key',
  refused: 'refused',
} as const
