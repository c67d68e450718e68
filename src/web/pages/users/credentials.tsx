import { useState } from 'preact/hooks'
import {
  type ApiKey,
  createApiKey,
  createResourceKey,
  deleteApiKey,
  deleteResourceKey,
  listApiKeys,
  type ResourceKey,
  switchApiKey,
} from '../../client/iam.ts'
import { member, textOf } from '../../client/json.ts'
import { objectInstances } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Menu } from '../../parts/menu.tsx'
import { Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { told } from '../../parts/toast.tsx'
import { useLoad } from '../../use-load.ts'
import { NameDialog } from './name-dialog.tsx'
import type { Identity } from './read-identities.ts'
import { Secrets, type SecretsProps } from './secrets.tsx'

type Shown = Omit<SecretsProps, 'onClose'>

export function ApiKeys({ identity }: { readonly identity: Identity }) {
  const load = useLoad((signal) => listApiKeys(identity.iamId, signal), [identity.iamId], { topics: ['access'] })
  const [isNaming, setNaming] = useState(false)
  const [shown, setShown] = useState<Shown>()
  return (
    <Card
      isFlush
      title="API keys"
      note="for the APIs of keys and identities, and to sign in here"
      actions={
        <Button isSmall icon="plus" onClick={() => setNaming(true)}>
          Create API key
        </Button>
      }
    >
      <Loaded load={load} failed="The API keys could not be listed.">
        {(keys) => (keys.length === 0 ? <EmptyState title="No API key" /> : <ApiKeyTable keys={keys} />)}
      </Loaded>
      {isNaming && (
        <NameDialog
          title={`API key for ${identity.name}`}
          action="Create API key"
          onClose={() => setNaming(false)}
          onAct={async (name) => {
            const { apikey } = await createApiKey(identity.iamId, name)
            setShown({ title: name, secrets: [['API key', apikey]], note: ONCE })
          }}
        />
      )}
      {shown && <Secrets {...shown} onClose={() => setShown(undefined)} />}
    </Card>
  )
}

const ONCE = 'It is shown this once: Coffer keeps a hash of it and cannot show it again.'

const ApiKeyTable = ({ keys }: { readonly keys: readonly ApiKey[] }) => (
  <Table
    label="List of API keys"
    rows={keys}
    keyOf={({ id }) => id}
    columns={[
      { id: 'name', title: 'Name', cell: ({ name }) => <b>{name}</b> },
      { id: 'made', title: 'Created', isMinor: true, cell: ({ created_at }) => <Time at={created_at} /> },
      {
        id: 'state',
        title: 'State',
        cell: ({ disabled, locked }) => (
          <Chip isSmall tone={disabled ? 'bad' : 'ok'}>
            {disabled ? 'Disabled' : locked ? 'Locked' : 'Active'}
          </Chip>
        ),
      },
      {
        id: 'actions',
        title: 'Actions',
        isUntitled: true,
        cell: ({ id, name, disabled }) => (
          <Menu
            label={`Actions of ${name}`}
            items={[
              disabled
                ? {
                    label: 'Enable',
                    icon: 'unlock',
                    onSelect: () => void told(switchApiKey(id, 'enable'), `${name} is enabled`),
                  }
                : {
                    label: 'Disable',
                    icon: 'lock',
                    onSelect: () => void told(switchApiKey(id, 'disable'), `${name} is disabled`),
                  },
              {
                label: 'Delete',
                icon: 'trash',
                isDanger: true,
                onSelect: () => void told(deleteApiKey(id), `${name} was deleted`),
              },
            ]}
          />
        ),
      },
    ]}
  />
)

/** HMAC pairs: of service IDs alone. */
export function AccessKeys({ identity }: { readonly identity: Identity }) {
  const [instance] = objectInstances()
  const [isNaming, setNaming] = useState(false)
  const [shown, setShown] = useState<Shown>()
  const create = async (name: string): Promise<void> => {
    if (!instance) return
    const made = await createResourceKey(instance.crn, name, {
      ...(identity.crn === undefined ? {} : { serviceIdCrn: identity.crn }),
    })
    const pair = member(made.credentials, 'cos_hmac_keys')
    setShown({
      title: name,
      secrets: [
        ['Access key', textOf(pair, 'access_key_id')],
        ['Secret key', textOf(pair, 'secret_access_key')],
        ...(textOf(made.credentials, 'apikey') === ''
          ? []
          : [['API key', textOf(made.credentials, 'apikey')] as const]),
      ],
      note: 'Keep it now: the console shows it this once.',
    })
  }
  return (
    <Card
      isFlush
      title="Access keys"
      note="for S3 clients"
      actions={
        <Button
          isSmall
          icon="plus"
          disabledBecause={instance ? undefined : 'There is no object storage instance'}
          onClick={() => setNaming(true)}
        >
          Create access key
        </Button>
      }
    >
      {identity.accessKeys.length === 0 ? (
        <EmptyState title="No access key" text="S3 clients sign with one." />
      ) : (
        <AccessKeyTable keys={identity.accessKeys} />
      )}
      {isNaming && (
        <NameDialog
          title={`Access key for ${identity.name}`}
          action="Create access key"
          onClose={() => setNaming(false)}
          onAct={create}
        />
      )}
      {shown && <Secrets {...shown} onClose={() => setShown(undefined)} />}
    </Card>
  )
}

const AccessKeyTable = ({ keys }: { readonly keys: readonly ResourceKey[] }) => (
  <Table
    label="List of access keys"
    rows={keys}
    keyOf={({ id }) => id}
    columns={[
      { id: 'name', title: 'Name', cell: ({ name }) => <b>{name}</b> },
      {
        id: 'key',
        title: 'Access key',
        cell: ({ credentials }) => (
          <code>{textOf(member(credentials, 'cos_hmac_keys'), 'access_key_id') || 'API key only'}</code>
        ),
      },
      { id: 'made', title: 'Created', isMinor: true, cell: ({ created_at }) => <Time at={created_at} /> },
      {
        id: 'actions',
        title: 'Actions',
        isUntitled: true,
        cell: ({ guid, name }) => (
          <Menu
            label={`Actions of ${name}`}
            items={[
              {
                label: 'Delete',
                icon: 'trash',
                isDanger: true,
                onSelect: () => void told(deleteResourceKey(guid), `${name} was deleted`),
              },
            ]}
          />
        ),
      },
    ]}
  />
)
