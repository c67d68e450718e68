import { session } from '../../client/session.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { useLoad } from '../../use-load.ts'
import { FirstRun } from './first-run.tsx'
import { type Overview, readOverview } from './read-overview.ts'
import { Running } from './running.tsx'

const EVERY_MS = 30_000

export function Page() {
  const overview = useLoad(readOverview, [], {
    topics: ['buckets', 'objects', 'keys', 'access', 'jobs'],
    everyMs: EVERY_MS,
  })
  return (
    <>
      {overview.value === undefined && (overview.error || overview.isSlow) && <PageHead title="Overview" />}
      <Loaded load={overview} failed="The overview could not be read." skeletonRows={8}>
        {(value) => (isFirstRun(value) ? <FirstRun overview={value} /> : <Running overview={value} />)}
      </Loaded>
    </>
  )
}

/** Until there is a bucket, so that the way to one under a key of one's own can be gone to its end. */
const isFirstRun = ({ buckets, keys }: Overview): boolean =>
  session().halves.objects ? buckets?.length === 0 : keys.length === 0
