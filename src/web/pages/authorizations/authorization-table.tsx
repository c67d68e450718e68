import { counted } from '../../format.ts'
import { Chip } from '../../parts/chip.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Menu } from '../../parts/menu.tsx'
import { Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { setQuery } from '../../router.ts'
import { type Authorization, type Side, titleOf } from './read-authorizations.ts'

export const AuthorizationTable = ({ authorizations }: { readonly authorizations: readonly Authorization[] }) => (
  <Table
    label="Authorizations"
    rows={authorizations}
    keyOf={({ policy }) => policy.id}
    columns={[
      { id: 'source', title: 'Source service', cell: ({ source }) => <SideCell side={source} /> },
      {
        id: 'target',
        title: 'Target service',
        cell: ({ target, scope }) => <SideCell side={target} {...(scope === undefined ? {} : { scope })} />,
      },
      {
        id: 'role',
        title: 'Role',
        isMinor: true,
        cell: ({ role }) => (
          <Chip isSmall tone="ok" icon="shield">
            {role}
          </Chip>
        ),
      },
      { id: 'use', title: 'Used by', cell: (authorization) => <UseCell {...authorization} /> },
      { id: 'made', title: 'Created', isMinor: true, cell: ({ policy }) => <Time at={policy.created_at} /> },
      {
        id: 'actions',
        title: 'Actions',
        isUntitled: true,
        cell: (authorization) => (
          <Menu
            label={`Actions of ${titleOf(authorization)}`}
            items={[
              {
                label: 'Delete…',
                icon: 'trash',
                isDanger: true,
                onSelect: () => setQuery({ delete: authorization.policy.id }, {}),
              },
            ]}
          />
        ),
      },
    ]}
  />
)

const SideCell = ({ side, scope }: { readonly side: Side; readonly scope?: string }) => (
  <span class="name-cell">
    <Icon name={side.service === 'kms' ? 'key' : 'bucket'} />
    <span>
      <b>{side.title}</b>
      <span class="second">
        {side.instance ?? 'every instance'}
        {scope === undefined ? '' : `, ${scope}`}
      </span>
    </span>
  </span>
)

function UseCell({ impact }: Authorization) {
  if (!impact) return <span class="muted">may not be known</span>
  const count = impact.total.buckets + impact.kept.length + impact.hidden
  return count === 0 ? <span class="muted">no bucket yet</span> : <span>{counted(count, 'bucket')}</span>
}
