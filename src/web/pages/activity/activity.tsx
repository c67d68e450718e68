import { useEffect, useState } from 'preact/hooks'
import { type ActivityEntry, activityExportPath, listActivity } from '../../client/activity.ts'
import { toApiError } from '../../client/api-error.ts'
import { session } from '../../client/session.ts'
import { counted } from '../../format.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { announce, toast } from '../../parts/toast.tsx'
import { setQuery, usePlace } from '../../router.ts'
import { useLoad } from '../../use-load.ts'
import { ActivityTable } from './activity-table.tsx'
import { EntryDrawer } from './entry-drawer.tsx'
import { commandFor, filterOf } from './filter.ts'
import { Filters } from './filters.tsx'
import { useNews } from './use-news.ts'

const PAGE = 100

export function Page() {
  const { query } = usePlace()
  const filter = filterOf(query)
  const isLive = query.has('live')
  const first = useLoad((signal) => listActivity({ ...filter, limit: PAGE }, signal), [filter])
  return (
    <>
      <PageHead
        title="Activity"
        sub="What was done with objects, keys and rights, by whom, and what let them. Chained and signed: nothing can be taken out unseen."
        actions={
          <>
            <a class="button" href={activityExportPath(filter)} download="activity.ndjson">
              <Icon name="download" size="small" />
              <span>Export NDJSON</span>
            </a>
            <Button
              kind={isLive ? 'primary' : 'plain'}
              icon={isLive ? 'pause' : 'play'}
              onClick={() => setQuery({ live: isLive ? undefined : '' })}
            >
              {isLive ? 'Live' : 'Follow'}
            </Button>
          </>
        }
      />
      <div class="stack">
        <Card isFlush>
          <Filters />
          <Loaded
            load={first}
            failed="The audit log could not be read."
            needs={`Administrator on ${session().account.name}`}
            skeletonRows={10}
          >
            {(page) => (
              <Entries key={JSON.stringify([filter, page.latest])} first={page} isLive={isLive} filter={filter} />
            )}
          </Loaded>
        </Card>
        <CliHint command={commandFor(filter)} />
      </div>
    </>
  )
}

interface EntriesProps {
  readonly first: Awaited<ReturnType<typeof listActivity>>
  readonly isLive: boolean
  readonly filter: ReturnType<typeof filterOf>
}

function Entries({ first, isLive, filter }: EntriesProps) {
  const [older, setOlder] = useState<readonly ActivityEntry[]>([])
  const [next, setNext] = useState(first.next)
  const [isBusy, setBusy] = useState(false)
  const [open, setOpen] = useState<ActivityEntry>()
  const news = useNews(first.latest, filter, isLive)
  useEffect(() => {
    if (news.length > 0) announce(`${counted(news.length, 'new entry', 'new entries')}`)
  }, [news.length])
  const entries = [...news, ...first.entries, ...older]

  const more = async (): Promise<void> => {
    setBusy(true)
    try {
      const page = await listActivity({ ...filter, limit: PAGE, before: next })
      setOlder([...older, ...page.entries])
      setNext(page.next)
    } catch (cause) {
      toast(`Older entries could not be read: ${toApiError(cause).message}`, 'bad')
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      {entries.length === 0 ? (
        <EmptyState
          figure={<Icon name="activity" size="large" />}
          title="Nothing of that kind"
          text="Nothing in the log matches. With other filters there may be more."
        />
      ) : (
        <ActivityTable entries={entries} onOpen={setOpen} open={open} />
      )}
      <div class="table-foot">
        <span>{counted(entries.length, 'entry', 'entries')}</span>
        {next !== undefined && (
          <span class="end">
            <Button isSmall isBusy={isBusy} onClick={() => void more()}>
              Older
            </Button>
          </span>
        )}
      </div>
      {open && <EntryDrawer entry={open} onClose={() => setOpen(undefined)} />}
    </>
  )
}
