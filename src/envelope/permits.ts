import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { CodedError, hasCode } from '../base/errors.ts'
import type { KeyCall, KeyProviderErrorCode, KeyUse } from './key-provider.ts'

/** A question put to the provider: when, and in which order. */
export interface Question {
  readonly group: string
  readonly use: KeyUse
  readonly askedAtMs: number
  readonly order: number
}

/**
 * How long ago the provider said that a service may use a root key so. An answer counts from the moment it was asked
 * for, so the age is never flattered by a slow answer.
 */
export interface Permits {
  readonly question: (call: KeyCall, use: KeyUse) => Question
  /** The provider said yes. False when a later question was refused already: this yes is out of date. */
  readonly granted: (question: Question) => boolean
  /** The provider, or its silence, said no. */
  readonly refused: (call: KeyCall, question: Question, error: unknown) => void
  /** Resolves when a yes younger than permitMs is at hand, asking when needed. Throws what the provider throws. */
  readonly fresh: (call: KeyCall, use: KeyUse) => Promise<void>
  /** How long ago the last yes to unwrapping was asked for; infinite when it was taken back. */
  readonly unwrapAgeMs: (group: string) => number
}

interface Standing {
  grantedAtMs: number
  refusedOrder: number
  asking: { readonly question: Question; readonly answer: Promise<void> } | undefined
}

const MAX_STANDINGS = 100_000

const newStanding = (): Standing => ({ grantedAtMs: Number.NEGATIVE_INFINITY, refusedOrder: -1, asking: undefined })

/** Root key and service instance together: what a provider's answer is about. */
export const groupOf = (call: KeyCall): string => `${call.rootKeyCrn}\n${call.serviceInstanceCrn}`

export function permits(options: {
  permitMs: number
  clock: Clock
  ask: (call: KeyCall, use: KeyUse) => Promise<void>
  /** A yes to 'wrap' is one to 'unwrap' too. */
  wrapPermitsUnwrap: boolean
  /** Nothing of the group may be unwrapped any more. */
  onRefused: (group: string) => void
}): Permits {
  const { permitMs, clock, ask, wrapPermitsUnwrap, onRefused } = options
  const standings = new LRUCache<string, Record<KeyUse, Standing>>({ max: MAX_STANDINGS })
  let order = 0

  const standing = ({ group, use }: Pick<Question, 'group' | 'use'>): Standing => {
    const known = standings.get(group)
    if (known !== undefined) return known[use]
    const fresh = { wrap: newStanding(), unwrap: newStanding() }
    standings.set(group, fresh)
    return fresh[use]
  }
  const ageMs = (about: Pick<Question, 'group' | 'use'>) => {
    const age = clock.now() - standing(about).grantedAtMs
    // A clock set back must not make a yes last.
    return age < 0 ? Number.POSITIVE_INFINITY : age
  }
  const question = (call: KeyCall, use: KeyUse): Question => ({
    group: groupOf(call),
    use,
    askedAtMs: clock.now(),
    order: order++,
  })

  const granted = (question: Question): boolean => {
    const known = standing(question)
    if (question.order < known.refusedOrder) return false
    known.grantedAtMs = Math.max(known.grantedAtMs, question.askedAtMs)
    if (wrapPermitsUnwrap && question.use === 'wrap') {
      const { group, askedAtMs, order } = question
      granted({ group, use: 'unwrap', askedAtMs, order })
    }
    return true
  }
  /** Takes back the yes to `use`, and every yes that was asked for before this question. */
  const takeBack = ({ group, order }: Question, use: KeyUse): void => {
    const known = standing({ group, use })
    known.refusedOrder = Math.max(known.refusedOrder, order)
    known.grantedAtMs = Number.NEGATIVE_INFINITY
  }
  const refused = (call: KeyCall, asked: Question, error: unknown): void => {
    const { group, use } = asked
    takeBack(asked, use)
    if (use === 'unwrap') return onRefused(group)
    // Silence about wrapping says nothing of unwrapping, which is asked for on its own.
    if (!isRefusal(error)) return
    const mayUnwrap = Number.isFinite(standing({ group, use: 'unwrap' }).grantedAtMs)
    takeBack(asked, 'unwrap')
    if (!hasCode<KeyProviderErrorCode>(error, 'RootKeyDisabled')) return onRefused(group)
    // Disabled, or deactivated, which still unwraps: only the provider can tell.
    if (mayUnwrap) put(call, question(call, 'unwrap')).catch(() => {})
  }

  const put = async (call: KeyCall, asked: Question): Promise<void> => {
    try {
      await ask(call, asked.use)
      granted(asked)
    } catch (error) {
      // An unreachable provider takes nothing back while the last yes is young; any other answer does, at once.
      if (!hasCode<KeyProviderErrorCode>(error, 'KeyProviderUnavailable') || ageMs(asked) >= permitMs) {
        refused(call, asked, error)
      }
      throw error
    }
  }

  /** One question at a time for a group and use, unless the one under way has become too old to be of use. */
  const refresh = (call: KeyCall, use: KeyUse): Promise<void> => {
    const known = standing({ group: groupOf(call), use })
    if (known.asking && clock.now() - known.asking.question.askedAtMs < permitMs) return known.asking.answer
    const asked = question(call, use)
    const answer = put(call, asked).finally(() => {
      if (known.asking?.question === asked) known.asking = undefined
    })
    known.asking = { question: asked, answer }
    return answer
  }

  /** The question whose yes would serve both uses, where that one was ever a yes. Should it be a no, `refused` asks for the other. */
  const saysMore = ({ group, use }: Question): KeyUse =>
    wrapPermitsUnwrap && Number.isFinite(standing({ group, use: 'wrap' }).grantedAtMs) ? 'wrap' : use

  const fresh = async (call: KeyCall, use: KeyUse): Promise<void> => {
    // A question under way may have been answered before this use began, so it is not shared.
    if (permitMs === 0) return put(call, question(call, use))
    const asked = question(call, use)
    if (ageMs(asked) < permitMs / 2) return
    if (ageMs(asked) < permitMs) {
      // Asked ahead, so that a key in steady use never waits.
      refresh(call, saysMore(asked)).catch(() => {})
      return
    }
    await within(permitMs, refresh(call, use), () => refused(call, asked, unavailable()))
    if (ageMs(asked) >= permitMs) throw unavailable()
  }

  return { question, granted, refused, fresh, unwrapAgeMs: (group) => ageMs({ group, use: 'unwrap' }) }
}

export const isRefusal = (error: unknown): boolean =>
  hasCode<KeyProviderErrorCode>(error, 'RootKeyNotFound', 'RootKeyDisabled', 'KeyAccessDenied')

function within(limitMs: number, answer: Promise<void>, onLate: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    onLate()
    reject(unavailable())
  }, limitMs)
  answer.then(resolve, reject).finally(() => clearTimeout(timer))
  return promise
}

const unavailable = () =>
  new CodedError<KeyProviderErrorCode>('KeyProviderUnavailable', 'the key provider has not confirmed the key in time')
