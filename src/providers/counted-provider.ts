import type { KeyProvider } from '../envelope/key-provider.ts'

type KeyCallName = 'wrap' | 'unwrap' | 'rewrap' | 'permit' | 'describe' | 'find' | 'register' | 'deregister'

/** Calls since the process began, whatever their outcome. */
export type KeyCallCounts = Record<KeyCallName, number>

export const noKeyCalls = (): KeyCallCounts => ({
  ...{ wrap: 0, unwrap: 0, rewrap: 0, permit: 0, describe: 0, find: 0, register: 0, deregister: 0 },
})

/** Counts in `counts` what reaches the provider: beneath a cache, that is what the cache could not answer. */
export function countedProvider(provider: KeyProvider, counts: KeyCallCounts): KeyProvider {
  const counted = <Call extends (...given: never[]) => unknown>(name: KeyCallName, call: Call): Call =>
    ((...given) => {
      counts[name]++
      return call(...given)
    }) as Call
  return {
    ...provider,
    wrap: counted('wrap', provider.wrap),
    unwrap: counted('unwrap', provider.unwrap),
    rewrap: counted('rewrap', provider.rewrap),
    permit: counted('permit', provider.permit),
    describe: counted('describe', provider.describe),
    find: counted('find', provider.find),
    register: counted('register', provider.register),
    deregister: counted('deregister', provider.deregister),
  }
}
