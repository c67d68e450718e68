import { type CachedDeks, type CachedProvider, cachedProvider } from '../envelope/cached-provider.ts'
import type { KeyProvider } from '../envelope/key-provider.ts'
import type { Iam } from '../iam/iam.ts'
import type { KmsService } from '../kms/service.ts'
import { CACHE_ENTRIES, CACHE_HITS, CACHE_MISSES, type Metric, type Sample } from '../observe/metrics.ts'
import { type KeyCalls, keyCalls } from '../providers/counted-provider.ts'
import { embeddedProvider } from '../providers/embedded.ts'
import { type Route, routedProvider } from '../providers/routed-provider.ts'
import type { RoomOptions } from './room.ts'

export interface ProvidersRoom {
  readonly provider: KeyProvider
  /** What an operator should know of the key services right now. */
  readonly problems: () => readonly string[]
  readonly metrics: () => readonly Metric[]
}

/** Every way to root keys: those of this process, where it has any, and the services that the settings declare. */
export async function openProviders(
  { config, log, scope }: Pick<RoomOptions, 'config' | 'log' | 'scope'>,
  iam: Iam,
  kms: KmsService | undefined,
): Promise<ProvidersRoom> {
  const problems: (() => readonly string[])[] = []
  const routes: Route[] = []
  const calls = keyCalls()
  const caches: CachedProvider[] = []
  const cached = (provider: CachedProvider): CachedProvider => {
    caches.push(provider)
    return provider
  }
  for (const { name, claims, open } of config['key-providers']) {
    const remote = await open({ log })
    problems.push(() => remote.problems().map((problem) => `key provider ${name}: ${problem}`))
    routes.push({ claims, provider: cached(cachedProvider(calls.counted(remote, { name, where: 'elsewhere' }))) })
  }
  const provider = routedProvider({ ...(kms ? { local: localKeys(iam, kms, calls, cached) } : {}), routes })
  scope.defer(() => provider.close())
  return {
    provider,
    problems: () => problems.flatMap((of) => of()),
    metrics: () => [...calls.read(), ...cacheMetrics(caches)],
  }
}

function cacheMetrics(caches: readonly CachedProvider[]): readonly Metric[] {
  const all = caches.map(({ cached }) => cached())
  const of = (pick: keyof CachedDeks): Sample[] => [
    { labels: { cache: 'data-keys' }, value: all.reduce((sum, one) => sum + one[pick], 0) },
  ]
  return [
    { ...CACHE_HITS, samples: of('hits') },
    { ...CACHE_MISSES, samples: of('misses') },
    { ...CACHE_ENTRIES, samples: of('entries') },
  ]
}

function localKeys(
  iam: Iam,
  kms: KmsService,
  { counted }: KeyCalls,
  cached: (provider: CachedProvider) => CachedProvider,
) {
  return {
    owns: ({ instance }: { readonly instance: string }) => iam.instance(instance)?.service === 'kms',
    // In this process asking costs nothing, so a cached DEK is asked for at every use.
    provider: cached(
      cachedProvider(counted(embeddedProvider({ kms, iam }), { name: 'embedded', where: 'here' }), { permitMs: 0 }),
    ),
  }
}
