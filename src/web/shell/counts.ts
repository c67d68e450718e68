import { listJobs } from '../client/admin.ts'
import { onChange } from '../client/changes.ts'
import { readHealth } from '../client/health.ts'
import { listKeys } from '../client/key-protect.ts'
import { listBuckets } from '../client/s3.ts'
import { keyInstances, session, sessionState } from '../client/session.ts'
import { createStore } from '../client/store.ts'
import { listAuthorizationsAndPolicies } from './count-access.ts'
import type { Area } from './nav.ts'

export interface Counts {
  readonly areas: Readonly<Partial<Record<Area, number>>>
  /** Root keys that are disabled. */
  readonly disabledKeys: number
  /** Of the server, as `/health/ready` tells them. */
  readonly problems: readonly string[]
}

export const counts = createStore<Counts>({ areas: {}, disabledKeys: 0, problems: [] })

/** Numbers of the sidebar, as far as whoever is signed in may know them: what is refused has none. */
export async function readCounts(): Promise<void> {
  if (sessionState.get().status !== 'signed-in') return
  const { halves } = session()
  const [buckets, jobs, keys, access, problems] = await Promise.all([
    halves.objects ? known(listBuckets()) : undefined,
    halves.objects ? known(listJobs()) : undefined,
    halves.keys ? known(Promise.all(keyInstances().map((instance) => listKeys(instance)))) : undefined,
    known(listAuthorizationsAndPolicies()),
    known(readHealth()),
  ])
  const all = keys?.flat()
  const running = jobs?.filter(({ state }) => state === 'running' || state === 'paused')
  const areas = {
    buckets: buckets?.length,
    jobs: running?.length,
    keys: all?.length,
    authorizations: access?.authorizations,
    policies: access?.policies,
  }
  counts.set({
    areas: Object.fromEntries(
      Object.entries(areas).flatMap(([area, count]) => (count === undefined ? [] : [[area, count]])),
    ),
    disabledKeys: all?.filter(({ state }) => state === 2).length ?? 0,
    problems: problems ?? [],
  })
}

const known = <Value>(asked: Promise<Value>): Promise<Value | undefined> => asked.catch(() => undefined)

const EVERY_MS = 60_000

/** Now, after what changes them, and every minute while somebody looks. The result ends it. */
export function followCounts(): () => void {
  const read = (): void => void readCounts()
  read()
  const stop = onChange(['buckets', 'keys', 'access', 'jobs'], read)
  const timer = setInterval(() => {
    if (!document.hidden) read()
  }, EVERY_MS)
  return () => {
    stop()
    clearInterval(timer)
  }
}
