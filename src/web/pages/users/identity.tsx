import { useState } from 'preact/hooks'
import { deleteServiceId, removeUser, setUserState } from '../../client/iam.ts'
import { session } from '../../client/session.ts'
import { inShell } from '../../in-shell.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { Copy } from '../../parts/copy.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { toast, told } from '../../parts/toast.tsx'
import { href, navigate } from '../../router.ts'
import { useLoad } from '../../use-load.ts'
import { WhatHappens } from '../impact/what-happens.tsx'
import { ActionDrawer } from '../key/action-drawer.tsx'
import type { PageProps } from '../page.ts'
import { PolicyDrawer } from '../policies/policy-drawer.tsx'
import { PolicyTable } from '../policies/policy-table.tsx'
import { AccessKeys, ApiKeys } from './credentials.tsx'
import { type Identity, readIdentities } from './read-identities.ts'

export function Page({ params }: PageProps) {
  const load = useLoad(readIdentities, [], { topics: ['access'] })
  return (
    <Loaded load={load} failed="This identity could not be read.">
      {(all) => {
        const identity = all.find(({ iamId }) => iamId === params['iamId'])
        return identity ? (
          <IdentityPage identity={identity} />
        ) : (
          <>
            <PageHead title="Nobody of that id" />
            <EmptyState
              title="They may have been removed"
              action={<Button href={href(['users'])}>All users and service IDs</Button>}
            />
          </>
        )
      }}
    </Loaded>
  )
}

type Doing = 'disable' | 'delete' | 'grant'

function IdentityPage({ identity }: { readonly identity: Identity }) {
  const [doing, setDoing] = useState<Doing>()
  const { kind, name, detail, iamId, isActive } = identity
  const isUser = kind === 'user'
  const isSelf = iamId === session().user.iamId
  const close = () => setDoing(undefined)
  return (
    <>
      <PageHead
        figure={<Icon name={isUser ? 'people' : 'robot'} size="large" />}
        title={name}
        mark={
          <Chip tone={isActive ? 'ok' : 'bad'} hasDot>
            {isActive ? 'Active' : 'Disabled'}
          </Chip>
        }
        sub={
          <span class="row wrap">
            <span>{[isUser ? 'User' : 'Service ID', detail].filter((part) => part !== '').join(', ')}</span>
            <span class="id-with-copy">
              <code>{iamId}</code>
              <Copy text={iamId} label="Copy the IAM id" />
            </span>
          </span>
        }
        actions={
          <>
            {isUser &&
              (isActive ? (
                <Button
                  kind="danger"
                  icon="lock"
                  disabledBecause={isSelf ? 'That would lock you out' : undefined}
                  onClick={() => setDoing('disable')}
                >
                  Disable…
                </Button>
              ) : (
                <Button icon="unlock" onClick={() => void told(setUserState(iamId, 'ACTIVE'), `${name} is enabled`)}>
                  Enable
                </Button>
              ))}
            <Button
              kind="danger"
              icon="trash"
              disabledBecause={isSelf ? 'That would lock you out' : undefined}
              onClick={() => setDoing('delete')}
            >
              {isUser ? 'Remove…' : 'Delete…'}
            </Button>
          </>
        }
      />
      <div class="stack">
        <Card
          isFlush
          title="Access"
          note="what policies let it do"
          actions={
            <Button isSmall icon="plus" onClick={() => setDoing('grant')}>
              Give access
            </Button>
          }
        >
          {identity.policies.length === 0 ? (
            <EmptyState
              title="No policy names it"
              text={
                identity.roles.length > 0
                  ? `It was declared with the role ${identity.roles.join(', ')}.`
                  : 'It may do what others share with it, and nothing else.'
              }
            />
          ) : (
            <PolicyTable policies={identity.policies} identities={[identity]} />
          )}
        </Card>
        {!isUser && <AccessKeys identity={identity} />}
        <ApiKeys identity={identity} />
        <CliHint command={`coffer user show ${inShell(iamId)}`} />
      </div>
      {doing === 'grant' && <PolicyDrawer subject={iamId} identities={[identity]} onClose={close} />}
      {(doing === 'disable' || doing === 'delete') && (
        <ActionDrawer
          title={`${doing === 'disable' ? 'Disable' : isUser ? 'Remove' : 'Delete'} ${name}?`}
          sub={doing === 'disable' ? 'Can be undone.' : 'Cannot be undone.'}
          figure={<Icon name={isUser ? 'people' : 'robot'} size="large" />}
          typed={name}
          command={doing === 'disable' ? disabling(iamId) : `coffer user rm ${inShell(iamId)} --dry-run`}
          action={doing === 'disable' ? 'Disable user' : isUser ? 'Remove user' : 'Delete service ID'}
          kind="destroy"
          failed="Nothing was changed."
          onAct={async () => {
            if (doing === 'disable') await setUserState(iamId, 'DISABLED_CLASSIC_INFRASTRUCTURE')
            else await (isUser ? removeUser(iamId) : deleteServiceId(identity.id))
            toast(`${name} was ${doing === 'disable' ? 'disabled' : 'removed'}`)
            if (doing === 'delete') navigate(href(['users']))
          }}
          onClose={close}
        >
          <WhatHappens
            steps={[
              ['At once', 'The next request with any of its keys and tokens is refused'],
              ['Then', 'Its sessions in this console end'],
              ['After', 'What it stored and made stays as it is'],
            ]}
          />
        </ActionDrawer>
      )}
    </>
  )
}

/** The command line has no word for it. */
const disabling = (iamId: string): string =>
  `curl -X PATCH ${inShell(`${window.location.origin}/v2/accounts/${session().account.id}/users/${encodeURIComponent(iamId)}`)} -H "authorization: Bearer $TOKEN" -H "content-type: application/json" -d '{"state":"DISABLED_CLASSIC_INFRASTRUCTURE"}'`
