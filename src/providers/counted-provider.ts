import { hasCode } from '../base/errors.ts'
import type { KeyCall, KeyProvider } from '../envelope/key-provider.ts'
import { counting, type Metric, timing } from '../observe/metrics.ts'
import { keyServiceCalls, type Traced } from '../observe/tracing.ts'

/** What reaches key services. */
export interface KeyCalls {
  /** Beneath a cache, that is what the cache could not answer. */
  readonly counted: (provider: KeyProvider, of: CountedProvider) => KeyProvider
  readonly read: () => readonly Metric[]
}

export interface CountedProvider {
  /** Of the settings. */
  readonly name: string
  readonly where: 'here' | 'elsewhere'
}

type Call = 'wrap' | 'unwrap' | 'rewrap' | 'permit' | 'describe' | 'find' | 'register' | 'deregister'

export function keyCalls(): KeyCalls {
  const calls = counting({
    ...{ name: 'coffer_key_calls_total', help: 'Calls to key services, those of this process included.' },
    labels: ['call', 'provider', 'where'],
  })
  const failures = counting({
    ...{ name: 'coffer_key_failures_total', help: 'Calls to key services that were refused or failed, by code.' },
    labels: ['call', 'provider', 'where', 'code'],
  })
  const seconds = timing({
    ...{ name: 'coffer_key_call_duration_seconds', help: 'How long key services elsewhere took to answer.' },
    labels: ['call', 'provider'],
  })

  const counted: KeyCalls['counted'] = (provider, { name, where }) => {
    const one = <More extends unknown[], Answer>(
      call: Call,
      ask: (about: KeyCall, ...more: More) => Promise<Answer>,
    ): ((about: KeyCall, ...more: More) => Promise<Answer>) => {
      const failed = (error: unknown): never => {
        failures.add(1, call, name, where, codeOf(error))
        throw error
      }
      const timed = async (about: KeyCall, more: More): Promise<Answer> => {
        const began = performance.now()
        try {
          return await ask(about, ...more)
        } finally {
          seconds.observe((performance.now() - began) / 1000, call, name)
        }
      }
      const send = (about: KeyCall, more: More): Promise<Answer> =>
        (where === 'here' ? ask(about, ...more) : timed(about, more)).catch(failed)
      const told = (about: KeyCall, more: More): Promise<Answer> => {
        const traced = tracedCall(call, about, { name, where })
        const sent = async (): Promise<Answer> => {
          const { traceparent } = traced
          try {
            return await send(traceparent === undefined ? about : { ...about, traceparent }, more)
          } catch (error) {
            traced.attributes['error.type'] = codeOf(error)
            throw error
          }
        }
        return keyServiceCalls.tracePromise(sent, traced)
      }
      return (about, ...more) => {
        calls.add(1, call, name, where)
        return keyServiceCalls.hasSubscribers ? told(about, more) : send(about, more)
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

const codeOf = (error: unknown): string => (hasCode(error) ? error.code : 'Unexpected')

function tracedCall(call: Call, { requestId, traceparent, rootKeyCrn }: KeyCall, of: CountedProvider): Traced {
  return {
    name: `key ${call}`,
    requestId,
    traceparent,
    attributes: {
      'coffer.key.call': call,
      'coffer.key.provider': of.name,
      'coffer.key.where': of.where,
      'coffer.key.crn': rootKeyCrn,
      ...(requestId === undefined ? {} : { 'coffer.request.id': requestId }),
    },
  }
}
