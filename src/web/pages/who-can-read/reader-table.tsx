import type { Reader } from '../../client/who-can-read.ts'
import { Chip } from '../../parts/chip.tsx'
import { Table } from '../../parts/table.tsx'
import { decidedWords, kindOf } from './words.ts'

export const ReaderTable = ({ readers }: { readonly readers: readonly Reader[] }) => (
  <Table
    label="Everybody of the account"
    rows={readers}
    keyOf={({ id }) => id}
    columns={[
      { id: 'name', title: 'Who', cell: ({ name }) => <b>{name}</b> },
      { id: 'kind', title: 'Kind', isMinor: true, cell: (reader) => kindOf(reader) },
      {
        id: 'reads',
        title: 'May read',
        cell: (reader) => (
          <Chip isSmall tone={reader.reads === 'none' ? 'plain' : 'ok'}>
            {extentOf(reader)}
          </Chip>
        ),
      },
      { id: 'why', title: 'What decides', cell: ({ decidedBy, reason }) => decidedWords(decidedBy, reason) },
      {
        id: 'readable',
        title: 'Root key opens',
        isMinor: true,
        cell: ({ reads, readable }) =>
          reads === 'none' ? <span class="muted">–</span> : readable === 'partly' ? 'for some' : readable,
      },
    ]}
  />
)

function extentOf({ reads, only, except }: Reader): string {
  if (reads === 'all') return 'everything'
  if (reads === 'none') return 'nothing'
  return reads === 'some' ? `only ${only?.join(', ')}` : `all but ${except?.join(', ')}`
}
