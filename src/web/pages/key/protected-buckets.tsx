import type { BucketUse } from '../../client/admin.ts'
import { keyLabel } from '../../client/key-protect.ts'
import { session } from '../../client/session.ts'
import { counted, formatBytes, formatCount } from '../../format.ts'
import { bucketHref, createBucketHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Table } from '../../parts/table.tsx'
import { href } from '../../router.ts'
import { bytesOf, objectsOf } from '../keys/read-keys.ts'
import type { WholeKey } from './read-key.ts'

interface Row {
  readonly name: string
  readonly use: BucketUse | undefined
}

export function ProtectedBuckets({ rootKey, buckets, usage, versions, jobs }: WholeKey) {
  const rows = buckets?.map((name): Row => ({ name, use: usage?.buckets.find((use) => use.name === name) }))
  const [newest] = versions
  return (
    <Card
      isFlush
      title="Buckets this key protects"
      note={
        rows &&
        usage &&
        `${counted(rows.length, 'bucket')}, ${counted(objectsOf(usage), 'object')}, ${formatBytes(bytesOf(usage))}`
      }
      actions={
        rows &&
        rows.length > 0 && (
          <a class="small" href={href(['buckets'], { q: `key:${keyLabel(rootKey)}` })}>
            In the list of buckets
          </a>
        )
      }
    >
      {rows === undefined ? (
        <EmptyState title="Not shown" text="You may not list what is registered under this key." />
      ) : rows.length === 0 ? (
        <EmptyState
          title="No bucket is under this key"
          text="Choose it when you create a bucket, or move one under it."
          action={
            rootKey.state === 1 && session().halves.objects ? (
              <Button isSmall icon="plus" href={createBucketHref(rootKey.crn)}>
                Create bucket
              </Button>
            ) : undefined
          }
        />
      ) : (
        <Table
          label="Buckets under this key"
          rows={rows}
          keyOf={({ name }) => name}
          columns={[
            {
              id: 'name',
              title: 'Bucket',
              cell: ({ name }) => (
                <span class="name-cell">
                  <Icon name="bucket" />
                  <a class="strong" href={bucketHref(name)}>
                    {name}
                  </a>
                  {rootKey.state !== 1 && rootKey.state !== 3 && (
                    <Chip isSmall tone="bad" icon="lock">
                      Locked
                    </Chip>
                  )}
                </span>
              ),
            },
            {
              id: 'objects',
              title: 'Objects',
              isNumber: true,
              cell: ({ use }) => (use ? formatCount(objectsOf(use)) : '–'),
            },
            { id: 'bytes', title: 'Size', isNumber: true, cell: ({ use }) => (use ? formatBytes(bytesOf(use)) : '–') },
            {
              id: 'old',
              title: 'On old versions',
              isNumber: true,
              isMinor: true,
              cell: ({ use }) => {
                const old = use?.versions.filter(({ keyVersion }) => keyVersion !== newest?.id)
                const count = old ? objectsOf({ versions: old }) : undefined
                if (count === undefined) return '–'
                return count === 0 ? (
                  <span class="muted">none</span>
                ) : (
                  <Chip isSmall tone="warn">
                    {formatCount(count)}
                  </Chip>
                )
              },
            },
            {
              id: 'state',
              title: 'New objects',
              isMinor: true,
              cell: ({ name, use }) => {
                const job = jobs.find(({ bucket, state }) => bucket === name && state === 'running')
                if (job) return <span class="muted">rewrapping, {formatCount(job.examined)} looked at</span>
                return <span class="muted">{use?.current === false ? 'under another key' : 'under this key'}</span>
              },
            },
          ]}
        />
      )}
    </Card>
  )
}
