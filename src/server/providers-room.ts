import type { Counter } from '../api/common/metrics.ts'
import { cachedProvider } from '../envelope/cached-provider.ts'
import type { KeyProvider } from '../envelope/key-provider.ts'
import type { Iam } from '../iam/iam.ts'
import type { KmsService } from '../kms/service.ts'
import { countedProvider, type KeyCallCounts, noKeyCalls } from '../providers/counted-provider.ts'
import { embeddedProvider } from '../providers/embedded.ts'
import { type Route, routedProvider } from '../providers/routed-provider.ts'
import type { RoomOptions } from './room.ts'

export interface ProvidersRoom {
  readonly provider: KeyProvider
  /** What an operator should know of the key services right now. */
  readonly problems: () => readonly string[]
  readonly calls: () => Counter
}

/** Every way to root keys: those of this process, where it has any, and the services that the settings declare. */
export async function openProviders(
  { config, log, scope }: Pick<RoomOptions, 'config' | 'log' | 'scope'>,
  iam: Iam,
  kms: KmsService | undefined,
): Promise<ProvidersRoom> {
  const problems: (() => readonly string[])[] = []
  const routes: Route[] = []
  const counts = noKeyCalls()
  for (const { name, claims, open } of config['key-providers']) {
    const remote = await open({ log })
    problems.push(() => remote.problems().map((problem) => `key provider ${name}: ${problem}`))
    routes.push({ claims, provider: cachedProvider(countedProvider(remote, counts)) })
  }
  const provider = routedProvider({ ...(kms ? { local: localKeys(iam, kms, counts) } : {}), routes })
  scope.defer(() => provider.close())
  return {
    provider,
    problems: () => problems.flatMap((of) => of()),
    calls: () => ({
      ...{ name: 'coffer_key_calls_total', help: 'Calls to key services, those of this process included.' },
      ...{ type: 'counter', label: 'call', values: { ...counts } },
    }),
  }
}

function localKeys(iam: Iam, kms: KmsService, counts: KeyCallCounts) {
  return {
    owns: ({ instance }: { readonly instance: string }) => iam.instance(instance)?.service === 'kms',
    // In this process asking costs nothing, so a cached DEK is asked for at every use.
    provider: cachedProvider(countedProvider(embeddedProvider({ kms, iam }), counts), { permitMs: 0 }),
  }
}
