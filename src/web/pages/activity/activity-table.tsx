import { type ActivityEntry, whoOf } from '../../client/activity.ts'
import { formatExact } from '../../format.ts'
import { Chip } from '../../parts/chip.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { whatOf } from '../overview/activity-list.tsx'
import { useKeyNames } from '../overview/key-names.ts'

export interface ActivityTableProps {
  readonly entries: readonly ActivityEntry[]
  readonly open: ActivityEntry | undefined
  readonly onOpen: (entry: ActivityEntry) => void
}

const clock = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

export function ActivityTable({ entries, open, onOpen }: ActivityTableProps) {
  const names = useKeyNames()
  const columns: readonly Column<ActivityEntry>[] = [
    {
      id: 'time',
      title: 'Time',
      cell: ({ time }) => (
        <time class="muted number activity-time" dateTime={time} title={formatExact(time)}>
          {clock.format(Date.parse(time))}
        </time>
      ),
    },
    { id: 'who', title: 'Who', cell: (entry) => <b>{whoOf(entry)}</b> },
    {
      id: 'did',
      title: 'Did',
      cell: (entry) => (
        <>
          <button type="button" class="text-button activity-did" onClick={() => onOpen(entry)}>
            {entry.said.did}
          </button>
          <span class="second mono breaks for-minor">{whatOf(entry, names)}</span>
        </>
      ),
    },
    {
      id: 'what',
      title: 'What',
      isMinor: true,
      cell: (entry) => <span class="mono breaks clamped">{whatOf(entry, names)}</span>,
    },
    {
      id: 'outcome',
      title: 'Outcome',
      cell: ({ outcome, code }) =>
        outcome === 'success' ? (
          <Chip tone="ok" isSmall>
            Done
          </Chip>
        ) : (
          <Chip tone="bad" isSmall>
            {code ?? 'Failed'}
          </Chip>
        ),
    },
    { id: 'from', title: 'From', isMinor: true, cell: ({ sourceIp }) => <span class="muted">{sourceIp ?? '–'}</span> },
  ]
  return (
    <Table
      label="Audit log"
      columns={columns}
      rows={entries}
      keyOf={({ seq }) => String(seq)}
      isSelected={(entry) => entry === open}
      onRowClick={onOpen}
    />
  )
}
