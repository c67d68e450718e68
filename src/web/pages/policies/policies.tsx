import { useState } from 'preact/hooks'
import { listPolicies } from '../../client/iam.ts'
import { session } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { useLoad } from '../../use-load.ts'
import { readIdentities } from '../users/read-identities.ts'
import { PolicyDrawer } from './policy-drawer.tsx'
import { PolicyTable } from './policy-table.tsx'
import { Simulate } from './simulate.tsx'

export const Page = () => {
  const policies = useLoad((signal) => listPolicies('access', signal), [], { topics: ['access'] })
  const identities = useLoad(readIdentities, [], { topics: ['access'] })
  const [isCreating, setCreating] = useState(false)
  const noSight = identities.error ? `Needs Viewer on ${session().account.name}, to see who there is` : undefined
  const known = identities.value ?? []
  return (
    <>
      <PageHead
        title="Policies"
        sub="What users and service IDs may do. What no policy allows is refused."
        actions={
          <Button kind="primary" icon="plus" disabledBecause={noSight} onClick={() => setCreating(true)}>
            Create policy
          </Button>
        }
      />
      <div class="stack">
        <Simulate identities={known} />
        <Loaded load={policies} failed="The policies could not be listed.">
          {(all) => (
            <Card isFlush>
              {all.length === 0 ? (
                <EmptyState
                  title="No access policy"
                  text="Administrators of the account may do everything without one. What you may not see is not listed."
                  action={
                    <Button kind="primary" disabledBecause={noSight} onClick={() => setCreating(true)}>
                      Create policy
                    </Button>
                  }
                />
              ) : (
                <PolicyTable policies={all} identities={known} />
              )}
            </Card>
          )}
        </Loaded>
        <CliHint command={'coffer policy ls\ncoffer policy simulate svc-web s3:GetObject invoices/2026/report.pdf'} />
      </div>
      {isCreating && known.length > 0 && <PolicyDrawer identities={known} onClose={() => setCreating(false)} />}
    </>
  )
}
