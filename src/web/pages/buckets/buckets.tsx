import { useEffect, useRef, useState } from 'preact/hooks'
import { isStatus } from '../../client/api-error.ts'
import { counted, formatBytes, formatCount } from '../../format.ts'
import { bucketHref, createBucketHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Hatch } from '../../parts/hatch.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { sorted, Table } from '../../parts/table.tsx'
import { navigate, setQuery, usePlace } from '../../router.ts'
import { usePageKeys } from '../../shell/shortcuts.ts'
import { useLoad } from '../../use-load.ts'
import { useCreateBucketRight } from '../../use-rights.ts'
import { useDeedsOn } from '../bucket/who-locked.tsx'
import { columnsOf } from './columns.tsx'
import { BucketsNotListed } from './not-listed.tsx'
import { type BucketRow, matchesFilter, readBuckets } from './read-buckets.ts'

const EVERY_MS = 30_000
/** Rows that are drawn at first, and each time more are asked for. */
const PAGE = 200

export function Page() {
  const buckets = useLoad(readBuckets, [], { topics: ['buckets', 'objects', 'keys', 'jobs'], everyMs: EVERY_MS })
  const missing = useCreateBucketRight()
  return (
    <>
      <PageHead
        title="Buckets"
        sub={buckets.value && summaryOf(buckets.value)}
        actions={
          <Button kind="primary" icon="plus" href={createBucketHref()} disabledBecause={missing}>
            Create bucket
          </Button>
        }
      />
      <div class="stack">
        {isStatus(buckets.error, 401, 403) ? (
          <BucketsNotListed />
        ) : (
          <Loaded load={buckets} failed="The buckets could not be listed.">
            {(rows) => (rows.length === 0 ? <NoBuckets missing={missing} /> : <List rows={rows} />)}
          </Loaded>
        )}
        <CliHint command="aws s3 ls" />
      </div>
    </>
  )
}

function summaryOf(rows: readonly BucketRow[]): string {
  const known = rows.flatMap(({ usage }) => (usage ? [usage] : []))
  const sum = (member: 'objects' | 'bytes') => known.reduce((total, usage) => total + usage[member], 0)
  const all = known.length === rows.length ? `, ${counted(sum('objects'), 'object')}, ${formatBytes(sum('bytes'))}` : ''
  return `${counted(rows.length, 'bucket')}${all}. Everything at rest is encrypted.`
}

const NoBuckets = ({ missing }: { readonly missing: string | undefined }) => (
  <Card>
    <EmptyState
      figure={<Hatch size={44} />}
      title="No buckets yet"
      text="A bucket holds objects, each encrypted under a data key of its own."
      action={
        <Button kind="primary" icon="plus" href={createBucketHref()} disabledBecause={missing}>
          Create bucket
        </Button>
      }
    />
  </Card>
)

function List({ rows }: { readonly rows: readonly BucketRow[] }) {
  const { query } = usePlace()
  const filter = query.get('filter') ?? ''
  const field = useRef<HTMLInputElement>(null)
  const [sorting, setSorting] = useState({ column: 'name', isDescending: false })
  const [active, setActive] = useState(-1)
  const [limit, setLimit] = useState(PAGE)
  const columns = columnsOf(useDeedsOn(rows.flatMap(({ encryption }) => (encryption?.key ? [encryption.key] : []))))
  const shown = sorted(
    rows.filter((row) => matchesFilter(row, filter)),
    columns,
    sorting,
  )
  // Keys may come faster than rows are drawn.
  const move = (by: number) => () => setActive((now) => Math.max(0, Math.min(shown.length - 1, now + by)))
  useEffect(() => {
    if (active >= limit) setLimit(limit + PAGE)
    if (active >= 0) document.querySelector('tr.selected')?.scrollIntoView({ block: 'nearest' })
  }, [active, limit])
  usePageKeys({
    '/': () => field.current?.focus(),
    j: move(1),
    k: move(-1),
    Enter: () => {
      const row = shown[active]
      if (row) navigate(bucketHref(row.name))
    },
  })
  return (
    <Card isFlush>
      <div class="filter-bar">
        <span class="input">
          <Icon name="search" size="small" />
          <input
            ref={field}
            type="search"
            aria-label="Filter the buckets"
            placeholder="Name, key:finance-root or is:locked"
            value={filter}
            onInput={(event) => setQuery({ filter: event.currentTarget.value || undefined })}
          />
          <kbd>/</kbd>
        </span>
        <span class="muted small end">{filter === '' ? '' : `${shown.length} of ${rows.length}`}</span>
      </div>
      <Table
        label="Buckets"
        columns={columns}
        rows={shown}
        limit={limit}
        keyOf={({ name }) => name}
        sorting={sorting}
        onSort={setSorting}
        isSelected={(row) => shown[active] === row}
        onRowClick={({ name }) => navigate(bucketHref(name))}
      />
      {shown.length > limit && (
        <div class="table-foot">
          <span class="number">
            {formatCount(limit)} of {formatCount(shown.length)}
          </span>
          <span class="end">
            <Button isSmall onClick={() => setLimit(limit + PAGE)}>
              Show more
            </Button>
          </span>
        </div>
      )}
      {shown.length === 0 && (
        <EmptyState
          title="No bucket is like that"
          action={<Button onClick={() => setQuery({ filter: undefined })}>Show all</Button>}
        />
      )}
    </Card>
  )
}
