import { byLabel, type Metric } from '../observe/metrics.ts'
import type { ObjectsRoom } from './objects-room.ts'

/** What an operator watches of keys: buckets that are locked, and root keys that wrap no more or soon will not. */
export function storeGauges({ objects, wrapBudgets }: Pick<ObjectsRoom, 'objects' | 'wrapBudgets'>): readonly Metric[] {
  const buckets = objects.keyChecks.states().map(({ state }) => state)
  const budgets = wrapBudgets().map(({ state }) => state)
  return [
    {
      name: 'coffer_buckets',
      help: 'Buckets by what is known of their root keys.',
      type: 'gauge',
      samples: byLabel('state', counted(buckets, ['open', 'locked', 'refused', 'unchecked'])),
    },
    {
      name: 'coffer_wrap_budgets',
      help: 'Versions of root keys that this process uses, by how many data keys they have wrapped.',
      type: 'gauge',
      samples: byLabel('state', counted(budgets, ['below', 'near', 'spent'])),
    },
    ...scrubMetrics(objects),
  ]
}

function scrubMetrics({ scrub }: ObjectsRoom['objects']): readonly Metric[] {
  const { state, counts, finishedAtMs, notKept } = scrub.status()
  const findings: Record<string, number> = notKept > 0 ? { 'not-kept': notKept } : {}
  for (const { kind } of scrub.findings()) findings[kind] = (findings[kind] ?? 0) + 1
  return [
    {
      name: 'coffer_scrub_findings',
      help: 'What the scrub found to be damaged and has not met whole since.',
      type: 'gauge',
      samples: byLabel('kind', findings),
    },
    {
      name: 'coffer_scrub_versions',
      help: 'Object versions that the latest look of the scrub went through, and uploads; those that could not be opened by the reason.',
      type: 'gauge',
      samples: byLabel('what', { objects: counts.objects, uploads: counts.uploads, ...counts.closed }),
    },
    {
      name: 'coffer_scrub_running',
      help: 'Whether a look is under way, and whether it waits because others have something to do.',
      type: 'gauge',
      samples: byLabel('state', counted([state], ['idle', 'running', 'waiting'])),
    },
    {
      name: 'coffer_scrub_finished_timestamp_seconds',
      help: 'When the latest look ended.',
      type: 'gauge',
      samples: byLabel('look', finishedAtMs === undefined ? {} : { latest: Math.floor(finishedAtMs / 1000) }),
    },
    {
      name: 'coffer_scrub_read_bytes_total',
      help: 'Stored bytes that the scrub has read since the process began, of blobs and of tables of metadata stores.',
      type: 'counter',
      samples: byLabel('of', scrub.bytesRead()),
    },
  ]
}

const counted = <State extends string>(found: readonly State[], states: readonly State[]): Record<string, number> =>
  Object.fromEntries(states.map((state) => [state, found.filter((each) => each === state).length]))
