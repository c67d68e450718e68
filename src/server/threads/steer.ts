import { availableParallelism } from 'node:os'
import type { Logger } from '../../observe/logger.ts'
import { counting, type Gauge, type Metric } from '../../observe/metrics.ts'
import type { ServedConnections } from '../served-connections.ts'
import type { Config } from '../settings.ts'
import { watchRoom } from './machine-room.ts'
import type { Threads } from './owner.ts'
import { type Reason, steering } from './steering.ts'
import { loadMeter } from './thread-load.ts'

/** All commits go through one of them; no machine with more cores has been measured. */
const MOST = 8

/** Only Linux spreads connections over several that listen at one address. */
export function threadCounts(wanted: Config['s3.threads']): { readonly atStart: number; readonly most: number } {
  if (wanted !== 'auto') return { atStart: wanted, most: wanted }
  return { atStart: 1, most: process.platform === 'linux' ? Math.min(MOST, availableParallelism()) : 1 }
}

export interface SteerOptions {
  readonly threads: Pick<Threads, 'more' | 'fewer' | 'loads' | 'endConnections' | 'serving'>
  /** Of the thread that owns the stores: this one. */
  readonly connections: Pick<ServedConnections, 'takeActive' | 'endAfterAnswer'>
  readonly most: number
  readonly idleMs: number
  readonly log: Logger
}

export interface Steered extends Disposable {
  /** From when the process serves. */
  readonly begin: () => void
  readonly metrics: () => readonly Metric[]
}

const LOOK_EVERY_MS = 1000

const WHY: Readonly<Record<Reason, string>> = {
  busy: 'those that serve are busy, and there are cores for one more',
  quiet: 'fewer are enough for what there is to do',
  crowded: 'others use the cores, and the threads wait for each other',
  'handed-on': 'what is asked for is served by one thread alone',
}

/** Has as many threads serve as there is work and room for. */
export function steerThreads({ threads, connections, most, idleMs, log }: SteerOptions): Steered {
  const meter = loadMeter(connections)
  const steer = steering({ most, idleMs, watchRoom, now: () => performance.now() })
  const changes = counting({
    ...{ name: 'coffer_s3_thread_changes_total', help: 'How often one more or one fewer began to serve, and why.' },
    labels: ['change', 'reason'],
  })
  const serving = (): number => threads.serving() + 1
  const change = async (by: 1 | -1, reason: Reason): Promise<void> => {
    if (by === 1) await threads.more()
    else threads.fewer()
    changes.add(1, by === 1 ? 'more' : 'fewer', reason)
    log.info({ threads: serving(), reason: WHY[reason] }, `one thread ${by === 1 ? 'more' : 'fewer'} serves S3`)
  }
  const look = async (): Promise<void> => {
    const { change: wanted, end } = steer.decide([meter.read(), ...(await threads.loads())])
    if (end?.thread === 0) connections.endAfterAnswer(end.connections)
    else if (end) threads.endConnections(end.thread - 1, end.connections)
    if (wanted) await change(wanted.by, wanted.reason)
  }
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const lookLater = (): void => {
    if (isOver) return
    timer = setTimeout(() => {
      look()
        .catch((err: unknown) => {
          steer.rest()
          log.warn(
            { err, threads: serving() },
            'no further thread could be had to serve S3: it goes on with those there are',
          )
        })
        .finally(lookLater)
    }, LOOK_EVERY_MS).unref()
  }
  return {
    begin: lookLater,
    metrics: () => [servingThreads(serving()), changes.read()],
    [Symbol.dispose]: () => {
      isOver = true
      clearTimeout(timer)
    },
  }
}

export const servingThreads = (count: number): Gauge => ({
  ...{ name: 'coffer_s3_threads', help: 'Threads that serve S3.', type: 'gauge' },
  samples: [{ labels: {}, value: count }],
})
