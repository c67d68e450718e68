import { readKeyCalls } from '../../client/key-calls.ts'
import { keyInstances, session } from '../../client/session.ts'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { useLoad } from '../../use-load.ts'
import { BuiltInCard } from './built-in-card.tsx'
import { CallsCard } from './calls-card.tsx'

const EVERY_MS = 15_000

export const Page = () => {
  const calls = useLoad(readKeyCalls, [], { everyMs: EVERY_MS })
  const instances = session().halves.keys ? keyInstances() : []
  return (
    <>
      <PageHead
        title="Key providers"
        sub="Who holds the root keys: Key Protect in this server, and key services elsewhere that the settings name."
      />
      <div class="stack">
        <div class="columns">
          {instances.map((instance) => (
            <BuiltInCard key={instance.guid} instance={instance} />
          ))}
        </div>
        <Loaded load={calls} failed="The figures of this process could not be read.">
          {(all) => (
            <div class="columns">
              {all.map((figures) => (
                <CallsCard key={figures.provider} figures={figures} />
              ))}
              {all.length === 0 && instances.length === 0 && (
                <EmptyState
                  figure={<Icon name="server" size="large" />}
                  title="No key service was asked yet"
                  text="Key services elsewhere are named by COFFER_KEY_PROVIDERS_… settings."
                />
              )}
            </div>
          )}
        </Loaded>
        <CliHint command="coffer provider ls" />
      </div>
    </>
  )
}
