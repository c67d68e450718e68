import { useState } from 'preact/hooks'
import { session } from '../../client/session.ts'
import { counted } from '../../format.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { href, navigate } from '../../router.ts'
import { useLoad } from '../../use-load.ts'
import { useRights } from '../../use-rights.ts'
import { CreateIdentity } from './create-identity.tsx'
import { type Identity, readIdentities } from './read-identities.ts'

export const identityHref = (iamId: string): string => href(['users', iamId])

export const Page = () => {
  const load = useLoad(readIdentities, [], { topics: ['access'] })
  const missing = useRights('', session().account.name, [
    'user-management.user.invite',
    'iam-identity.serviceid.create',
  ])
  const [creating, setCreating] = useState<Identity['kind']>()
  return (
    <>
      <PageHead
        title="Users & service IDs"
        sub="People, and programs with identities of their own. Neither may do anything until a policy allows it."
        actions={
          <>
            <Button
              icon="people"
              disabledBecause={missing('user-management.user.invite')}
              onClick={() => setCreating('user')}
            >
              Add user
            </Button>
            <Button
              kind="primary"
              icon="plus"
              disabledBecause={missing('iam-identity.serviceid.create')}
              onClick={() => setCreating('service-id')}
            >
              Create service ID
            </Button>
          </>
        }
      />
      <div class="stack">
        <Loaded
          load={load}
          failed="The users could not be listed."
          needs={`Viewer on ${session().account.name}`}
          skeletonRows={6}
        >
          {(all) => (
            <Card isFlush>
              {all.length === 0 ? <EmptyState title="Nobody yet" /> : <IdentityTable identities={all} />}
            </Card>
          )}
        </Loaded>
        <CliHint command="coffer user ls" />
      </div>
      {creating && (
        <CreateIdentity
          kind={creating}
          onClose={() => setCreating(undefined)}
          onDone={(iamId) => navigate(identityHref(iamId))}
        />
      )}
    </>
  )
}

const IdentityTable = ({ identities }: { readonly identities: readonly Identity[] }) => (
  <Table
    label="Users and service IDs"
    rows={identities}
    keyOf={({ iamId }) => iamId}
    onRowClick={({ iamId }) => navigate(identityHref(iamId))}
    columns={[
      {
        id: 'name',
        title: 'Name',
        cell: ({ kind, name, detail, iamId }) => (
          <span class="name-cell">
            <Icon name={kind === 'user' ? 'people' : 'robot'} />
            <span>
              <a class="strong" href={identityHref(iamId)}>
                {name}
              </a>
              <span class="second">{detail}</span>
            </span>
          </span>
        ),
      },
      { id: 'kind', title: 'Kind', isMinor: true, cell: ({ kind }) => (kind === 'user' ? 'user' : 'service ID') },
      {
        id: 'policies',
        title: 'Access',
        cell: ({ policies, roles }) =>
          policies.length === 0 ? (
            roles.length > 0 ? (
              `role ${roles.join(', ')}`
            ) : (
              <span class="muted">none</span>
            )
          ) : (
            counted(policies.length, 'policy', 'policies')
          ),
      },
      { id: 'made', title: 'Added', isMinor: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
      {
        id: 'state',
        title: 'State',
        cell: ({ isActive, isLocked }) => (
          <Chip isSmall tone={isActive ? 'ok' : 'bad'}>
            {isActive ? (isLocked ? 'Locked' : 'Active') : 'Disabled'}
          </Chip>
        ),
      },
    ]}
  />
)
