import { hasCode } from '../base/errors.ts'
import type { KeyProvider } from '../envelope/key-provider.ts'
import { counting, type Metric, timing } from '../observe/metrics.ts'

/** What reaches key services. */
export interface KeyCalls {
  /** Beneath a cache, that is what the cache could not answer. */
  readonly counted: (provider: KeyProvider, where: 'here' | 'elsewhere') => KeyProvider
  readonly read: () => readonly Metric[]
}

const CALLS = ['wrap', 'unwrap', 'rewrap', 'permit', 'describe', 'find', 'register', 'deregister'] as const

export function keyCalls(): KeyCalls {
  const calls = counting({
    ...{ name: 'coffer_key_calls_total', help: 'Calls to key services, those of this process included.' },
    labels: ['call', 'where'],
  })
  const failures = counting({
    ...{ name: 'coffer_key_failures_total', help: 'Calls to key services that were refused or failed, by code.' },
    labels: ['call', 'where', 'code'],
  })
  const seconds = timing({
    ...{ name: 'coffer_key_call_duration_seconds', help: 'How long key services elsewhere took to answer.' },
    labels: ['call'],
  })

  const counted: KeyCalls['counted'] = (provider, where) => {
    const one = <Given extends unknown[], Answer>(
      call: (typeof CALLS)[number],
      ask: (...given: Given) => Promise<Answer>,
    ): ((...given: Given) => Promise<Answer>) => {
      const failed = (error: unknown): never => {
        failures.add(1, call, where, hasCode(error) ? error.code : 'Unexpected')
        throw error
      }
      if (where === 'here') {
        return (...given) => {
          calls.add(1, call, where)
          return ask(...given).catch(failed)
        }
      }
      return async (...given) => {
        calls.add(1, call, where)
        const began = performance.now()
        try {
          return await ask(...given)
        } catch (error) {
          return failed(error)
        } finally {
          seconds.observe((performance.now() - began) / 1000, call)
        }
      }
    }
    return {
      ...provider,
      wrap: one('wrap', provider.wrap),
      unwrap: one('unwrap', provider.unwrap),
      rewrap: one('rewrap', provider.rewrap),
      permit: one('permit', provider.permit),
      describe: one('describe', provider.describe),
      find: one('find', provider.find),
      register: one('register', provider.register),
      deregister: one('deregister', provider.deregister),
    }
  }
  return { counted, read: () => [calls.read(), failures.read(), seconds.read()] }
}
