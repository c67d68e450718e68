import { useState } from 'preact/hooks'
import { keyLabel } from '../../client/key-protect.ts'
import { counted, formatAgo, formatBytes } from '../../format.ts'
import { keyHref } from '../../links.ts'
import { Chip } from '../../parts/chip.tsx'
import { Meter } from '../../parts/meter.tsx'
import { Seal } from '../../parts/seal.tsx'
import { type Column, type Sorting, Table } from '../../parts/table.tsx'
import { navigate } from '../../router.ts'
import { rotationOf, standingOf } from './key-facts.ts'
import type { KeyExtra, ListedKey } from './read-keys.ts'

export interface KeyTableProps {
  readonly keys: readonly ListedKey[]
  readonly extras: ReadonlyMap<string, KeyExtra> | undefined
}

export function KeyTable({ keys, extras }: KeyTableProps) {
  const [sorting, setSorting] = useState<Sorting>({ column: 'name', isDescending: false })
  return (
    <Table
      label="Root keys"
      columns={columns(extras)}
      rows={keys}
      keyOf={({ key }) => key.crn}
      sorting={sorting}
      onSort={setSorting}
      onRowClick={({ instance, key }) => navigate(keyHref(instance, key))}
    />
  )
}

const columns = (extras: KeyTableProps['extras']): readonly Column<ListedKey>[] => [
  {
    id: 'name',
    title: 'Key',
    sortKey: ({ key }) => keyLabel(key).toLowerCase(),
    cell: ({ key, instance }) => (
      <span class="name-cell">
        <Seal isDisabled={key.state !== 1} />
        <span>
          <a class="strong" href={keyHref(instance, key)}>
            {keyLabel(key)}
          </a>
          <span class="second">{key.aliases?.length && key.name !== keyLabel(key) ? key.name : key.description}</span>
        </span>
      </span>
    ),
  },
  { id: 'instance', title: 'Instance', isMinor: true, cell: ({ instance }) => instance.name },
  {
    id: 'version',
    title: 'Version',
    isMinor: true,
    cell: ({ key }) => {
      const versions = extras?.get(key.crn)?.versions
      return versions === undefined ? <span class="muted">–</span> : <span class="number">v{versions}</span>
    },
  },
  { id: 'rotation', title: 'Rotation', isMinor: true, cell: ({ key }) => <RotationCell listed={key} /> },
  {
    id: 'buckets',
    title: 'Protects',
    sortKey: ({ buckets }) => buckets?.length ?? -1,
    cell: ({ key, buckets }) => {
      if (buckets === undefined) return <span class="muted">may not be known</span>
      if (buckets.length === 0) return <span class="muted">nothing yet</span>
      const bytes = extras?.get(key.crn)?.bytes
      return (
        <span class="number">
          {counted(buckets.length, 'bucket')}
          {bytes === undefined ? '' : `, ${formatBytes(bytes)}`}
          {key.state === 2 && <span class="locked-word"> locked</span>}
        </span>
      )
    },
  },
  {
    id: 'state',
    title: 'State',
    sortKey: ({ key }) => standingOf(key).label,
    cell: ({ key }) => {
      const { label, tone } = standingOf(key)
      return (
        <Chip isSmall tone={tone}>
          {label}
        </Chip>
      )
    },
  },
]

function RotationCell({ listed }: { readonly listed: ListedKey['key'] }) {
  const due = rotationOf(listed)
  if (!due) return <span class="muted small">{listed.imported ? 'Imported, by hand' : 'By hand'}</span>
  return (
    <span class="rotation-cell">
      <Meter
        label={`Time until ${keyLabel(listed)} rotates`}
        value={due.share}
        max={1}
        tone={due.days <= 14 ? 'warn' : 'brass'}
      />
      <span class="muted tiny">{due.days <= 0 ? 'due now' : `Rotates ${formatAgo(due.atMs)}`}</span>
    </span>
  )
}
