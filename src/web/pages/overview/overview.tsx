import { Loaded } from '../../parts/loaded.tsx'
import { useLoad } from '../../use-load.ts'
import { FirstRun } from './first-run.tsx'
import { readOverview } from './read-overview.ts'
import { Running } from './running.tsx'

const EVERY_MS = 30_000

export function Page() {
  const overview = useLoad(readOverview, [], {
    topics: ['buckets', 'objects', 'keys', 'access', 'jobs'],
    everyMs: EVERY_MS,
  })
  return (
    <Loaded load={overview} failed="The overview could not be read." skeletonRows={8}>
      {(value) =>
        value.buckets.length === 0 && value.keys.length === 0 ? (
          <FirstRun overview={value} />
        ) : (
          <Running overview={value} />
        )
      }
    </Loaded>
  )
}
