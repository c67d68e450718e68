import { session } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { href, navigate, ROOT, setQuery, usePlace } from '../../router.ts'
import { useLoad } from '../../use-load.ts'
import { useAuthorizeRight } from '../../use-rights.ts'
import { AuthorizationTable } from './authorization-table.tsx'
import { CreateAuthorization } from './create-authorization.tsx'
import { DeleteAuthorization } from './delete-authorization.tsx'
import { readAuthorizations } from './read-authorizations.ts'
import { ReadersCard } from './readers-card.tsx'

export const Page = () => {
  const { path, query } = usePlace()
  const load = useLoad(readAuthorizations, [], { topics: ['access', 'buckets'] })
  const isCreating = path === '/authorize' || query.has('create')
  const leaving = load.value?.find(({ policy }) => policy.id === query.get('delete'))
  const noRight = useAuthorizeRight()
  const back = query.get('back')
  const close = (): void => {
    if (back?.startsWith(`${ROOT}/`)) navigate(back)
    else navigate(href(['authorizations']), { replace: true })
  }
  return (
    <>
      <PageHead
        title="Authorizations"
        sub="Which service may use root keys held by another. A bucket can only be protected by a key its service is authorized for."
        actions={
          <Button kind="primary" icon="plus" disabledBecause={noRight} onClick={() => setQuery({ create: '' }, {})}>
            Create
          </Button>
        }
      />
      <div class="stack">
        {session().halves.objects && <ReadersCard authorizations={load.value} />}
        <Loaded load={load} failed="The authorizations could not be listed.">
          {(all) => (
            <Card isFlush>
              {all.length === 0 ? (
                <EmptyState
                  figure={<Icon name="shield" size="large" />}
                  title={
                    noRight === undefined ? 'No service may use another one yet' : 'No authorization for you to see'
                  }
                  text="Object Storage needs an authorization before a root key of yours can protect a bucket. What you may not see is not listed."
                  action={
                    <Button kind="primary" disabledBecause={noRight} onClick={() => setQuery({ create: '' }, {})}>
                      Create authorization
                    </Button>
                  }
                />
              ) : (
                <AuthorizationTable authorizations={all} />
              )}
            </Card>
          )}
        </Loaded>
        <CliHint command="coffer authorization ls" />
      </div>
      {isCreating && (
        <CreateAuthorization
          source={query.get('source') ?? undefined}
          target={query.get('target') ?? undefined}
          rootKey={query.get('key') ?? undefined}
          isReturning={back !== null}
          onClose={close}
        />
      )}
      {leaving && <DeleteAuthorization authorization={leaving} onClose={() => setQuery({ delete: undefined })} />}
    </>
  )
}
