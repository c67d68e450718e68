import { CACHE_ENTRIES, CACHE_HITS, CACHE_MISSES, type Metric, type Sample } from '../observe/metrics.ts'
import type { AccessLogs } from './access-logs.ts'
import type { Drafts } from './drafts.ts'
import type { Engine } from './engine.ts'
import type { Garbage } from './garbage.ts'
import { listedPagesCached } from './listed-pages.ts'
import { listedRowsCached } from './listed-rows.ts'
import type { OutboxFigures } from './outbox/outbox.ts'
import type { ReadAhead } from './read-ahead.ts'
import type { RewrapJob } from './rewrap-jobs.ts'
import type { RowCache } from './row-cache.ts'
import { readCounter, sumOf, usagePrefix } from './usage.ts'

interface InThread {
  readonly rows: Pick<RowCache, 'cached'>
  readonly drafts: Pick<Drafts, 'underWay'>
  readonly readAhead: Pick<ReadAhead, 'taken'>
}

/** Of the engine in one thread: each has caches and requests of its own. */
export function threadMetrics({ rows, drafts, readAhead }: InThread): readonly Metric[] {
  const caches = { rows: rows.cached(), 'listed-rows': listedRowsCached(), 'listed-pages': listedPagesCached() }
  const of = (pick: 'hits' | 'misses' | 'entries' | 'bytes'): Sample[] =>
    Object.entries(caches).map(([cache, cached]) => ({ labels: { cache }, value: cached[pick] }))
  return [
    { ...CACHE_HITS, samples: of('hits') },
    { ...CACHE_MISSES, samples: of('misses') },
    { ...CACHE_ENTRIES, samples: of('entries') },
    gauge('coffer_cache_bytes', 'Memory that a cache takes, estimated.', of('bytes')),
    gauge('coffer_bodies_written', 'Bodies that are being written: of objects, parts and copies.', [
      { labels: {}, value: drafts.underWay() },
    ]),
    gauge('coffer_read_aheads', 'Downloads that read ahead.', [{ labels: {}, value: readAhead.taken() }]),
  ]
}

interface InStore {
  readonly engine: Pick<Engine, 'metadata' | 'clock' | 'notifications' | 'replications'>
  readonly garbage: Pick<Garbage, 'figures'>
  readonly rewraps: { readonly jobs: () => readonly RewrapJob[] }
  readonly accessLogs: Pick<AccessLogs, 'waitingBytes' | 'droppedLines'>
  /** What earlier runs left has been looked for. */
  readonly isSwept: () => boolean
}

/** Of the store, which one thread owns: what there is, and what waits for being done. */
export async function storeMetrics(of: InStore): Promise<readonly Metric[]> {
  const { engine, rewraps, accessLogs } = of
  return [
    ...(await totals(engine, rewraps.jobs())),
    ...(await queues(engine)),
    ...(await garbage(of)),
    gauge('coffer_swept', '1: what earlier runs left behind has been looked for, and removed.', [
      { labels: {}, value: of.isSwept() ? 1 : 0 },
    ]),
    gauge('coffer_access_log_waiting_bytes', 'Lines of access logs that are not delivered yet.', [
      { labels: {}, value: accessLogs.waitingBytes() },
    ]),
    {
      ...{ name: 'coffer_access_log_dropped_lines_total', help: 'Lines that nobody could take.', type: 'counter' },
      samples: [{ labels: {}, value: accessLogs.droppedLines() }],
    },
  ]
}

async function totals({ metadata }: InStore['engine'], jobs: readonly RewrapJob[]): Promise<readonly Metric[]> {
  const counters = (await metadata.counters(usagePrefix())).map(readCounter)
  const { objects, bytes, uploads } = sumOf(counters)
  const byBucket = Map.groupBy(counters, ({ bucketId }) => bucketId)
  const remaining = jobs
    .filter(({ state }) => state === 'running' || state === 'paused')
    .map((job) => {
      const there = sumOf(byBucket.get(job.bucketId) ?? [])
      return Math.max(0, there.objects + there.uploads - job.examined)
    })
    .reduce((sum, left) => sum + left, 0)
  const states = ['running', 'paused', 'failed'] as const
  const waits = jobs.filter(({ state, problem }) => state === 'running' && problem !== undefined).length
  return [
    gauge('coffer_objects', 'Objects and versions that are stored.', [{ labels: {}, value: objects }]),
    gauge('coffer_object_bytes', 'Their bytes, as clients sent them.', [{ labels: {}, value: bytes }]),
    gauge('coffer_uploads', 'Multipart uploads that are neither completed nor aborted.', [
      { labels: {}, value: uploads },
    ]),
    gauge('coffer_rewraps', 'Buckets whose data keys are put under other keys, or wait for that.', [
      ...states.map((state) => ({ labels: { state }, value: jobs.filter((job) => job.state === state).length })),
      { labels: { state: 'waiting' }, value: waits },
    ]),
    gauge('coffer_rewrap_remaining', 'Objects and uploads of such buckets that are still to be looked at, about.', [
      { labels: {}, value: remaining },
    ]),
  ]
}

async function queues({ clock, notifications, replications }: InStore['engine']): Promise<readonly Metric[]> {
  const all: (OutboxFigures & { readonly queue: string })[] = [
    ...(await notifications.figures()).map((one) => ({ ...one, queue: 'notifications' })),
    ...(await replications.figures()).map((one) => ({ ...one, queue: 'replication' })),
  ]
  const each = (value: (one: OutboxFigures) => number): Sample[] =>
    all.map((one) => ({ labels: { queue: one.queue, target: one.target }, value: value(one) }))
  const by = (label: string, picks: Readonly<Record<string, (one: OutboxFigures) => number>>): Sample[] =>
    Object.entries(picks).flatMap(([name, pick]) =>
      each(pick).map(({ labels, value }) => ({ labels: { ...labels, [label]: name }, value })),
    )
  return [
    gauge(
      'coffer_outbox_messages',
      'Messages that wait, counted up to 1,000: those not tried yet, and those not taken once or behind such a one.',
      by('state', { ready: ({ ready }) => ready, held: ({ held }) => held }),
    ),
    gauge(
      'coffer_outbox_oldest_seconds',
      'How long the oldest of those that were counted has waited.',
      each(({ oldestMs }) => ageSeconds(clock.now(), oldestMs)),
    ),
    gauge(
      'coffer_outbox_lanes',
      'Buckets that have something for the target.',
      each(({ lanes }) => lanes),
    ),
    gauge(
      'coffer_outbox_under_way',
      'Messages on their way.',
      each(({ underWay }) => underWay),
    ),
    {
      ...{ name: 'coffer_outbox_deliveries_total', help: 'Tries to deliver a message.', type: 'counter' },
      samples: by('result', {
        taken: ({ taken }) => taken,
        refused: ({ refused }) => refused,
        missed: ({ missed }) => missed,
      }),
    },
  ]
}

async function garbage({ engine, garbage: collector }: InStore): Promise<readonly Metric[]> {
  const { waiting, oldestMs, read, isHeld, removed } = await collector.figures()
  const one = (value: number): Sample[] => [{ labels: {}, value }]
  return [
    gauge('coffer_garbage', 'What was replaced or deleted and still has its bytes, counted up to 1,000.', one(waiting)),
    gauge(
      'coffer_garbage_oldest_seconds',
      'Since when the oldest of it waits.',
      one(ageSeconds(engine.clock.now(), oldestMs)),
    ),
    gauge('coffer_garbage_in_use', 'Of that, what is being read.', one(read)),
    gauge('coffer_garbage_held', '1: a backup keeps everything from being removed.', one(isHeld ? 1 : 0)),
    {
      ...{ name: 'coffer_garbage_removed_total', help: 'What was removed since the process began.', type: 'counter' },
      samples: one(removed),
    },
  ]
}

const ageSeconds = (nowMs: number, sinceMs: number | undefined): number =>
  sinceMs === undefined ? 0 : Math.max(0, (nowMs - sinceMs) / 1000)

const gauge = (name: string, help: string, samples: readonly Sample[]): Metric => ({
  name,
  help,
  type: 'gauge',
  samples,
})
