import { useState } from 'preact/hooks'
import { deletePolicy, type Policy } from '../../client/iam.ts'
import { Chip } from '../../parts/chip.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Menu } from '../../parts/menu.tsx'
import { Note } from '../../parts/note.tsx'
import { Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { toast } from '../../parts/toast.tsx'
import { ActionDrawer } from '../key/action-drawer.tsx'
import { PolicyDrawer } from './policy-drawer.tsx'
import { type PolicyIdentity, resourceWords, roleWords, whoWords } from './policy-words.ts'

export interface PolicyTableProps {
  readonly policies: readonly Policy[]
  readonly identities: readonly PolicyIdentity[]
}

export function PolicyTable({ policies, identities }: PolicyTableProps) {
  const [open, setOpen] = useState<{ readonly policy: Policy; readonly to: 'edit' | 'delete' }>()
  const close = () => setOpen(undefined)
  return (
    <>
      <Table
        label="Policies"
        rows={policies}
        keyOf={({ id }) => id}
        columns={[
          {
            id: 'who',
            title: 'Who',
            cell: (policy) => (
              <span class="name-cell">
                <Icon name="people" />
                <b>{whoWords(policy, identities)}</b>
              </span>
            ),
          },
          {
            id: 'role',
            title: 'May',
            cell: (policy) => (
              <Chip isSmall tone="ok" icon="shield">
                {roleWords(policy)}
              </Chip>
            ),
          },
          { id: 'what', title: 'On', cell: resourceWords },
          { id: 'made', title: 'Created', isMinor: true, cell: ({ created_at }) => <Time at={created_at} /> },
          {
            id: 'actions',
            title: 'Actions',
            isUntitled: true,
            cell: (policy) => (
              <Menu
                label={`Actions of the policy of ${whoWords(policy, identities)}`}
                items={[
                  { label: 'Edit…', icon: 'document', onSelect: () => setOpen({ policy, to: 'edit' }) },
                  {
                    label: 'Delete…',
                    icon: 'trash',
                    isDanger: true,
                    onSelect: () => setOpen({ policy, to: 'delete' }),
                  },
                ]}
              />
            ),
          },
        ]}
      />
      {open?.to === 'edit' && <PolicyDrawer policy={open.policy} identities={identities} onClose={close} />}
      {open?.to === 'delete' && (
        <ActionDrawer
          title={`Delete the policy of ${whoWords(open.policy, identities)}?`}
          sub={`${roleWords(open.policy)} on ${resourceWords(open.policy)}`}
          figure={<Icon name="document" size="large" />}
          command={`coffer policy rm ${open.policy.id} --dry-run`}
          action="Delete policy"
          kind="destroy"
          failed="The policy was not deleted."
          onAct={async () => {
            await deletePolicy(open.policy.id)
            toast('The policy was deleted')
          }}
          onClose={close}
        >
          <Note tone="warn" icon="alert">
            From the next request on {whoWords(open.policy, identities)} may do only what other policies let.
          </Note>
        </ActionDrawer>
      )}
    </>
  )
}
