import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { CodedError, hasCode } from '../base/errors.ts'
import type { KeyCall, KeyProviderErrorCode } from './key-provider.ts'

/** A question put to the provider: when, and in which order. */
export interface Question {
  readonly group: string
  readonly askedAtMs: number
  readonly order: number
}

/**
 * How long ago the provider said that a service may use a root key. An answer counts from the moment it was asked for,
 * so the age is never flattered by a slow answer.
 */
export interface Permits {
  readonly question: (call: KeyCall) => Question
  /** The provider said yes. False when a later question was refused already: this yes is out of date. */
  readonly granted: (question: Question) => boolean
  readonly refused: (question: Question) => void
  /** Resolves when a yes younger than permitMs is at hand, asking when needed. Throws what the provider throws. */
  readonly fresh: (call: KeyCall) => Promise<void>
}

interface Standing {
  grantedAtMs: number
  refusedOrder: number
  asking: { readonly question: Question; readonly answer: Promise<void> } | undefined
}

const MAX_STANDINGS = 100_000

/** Root key and service instance together: what a provider's answer is about. */
export const groupOf = (call: KeyCall): string => `${call.rootKeyCrn}\n${call.serviceInstanceCrn}`

export function permits(options: {
  permitMs: number
  clock: Clock
  ask: (call: KeyCall) => Promise<void>
  onRefused: (group: string) => void
}): Permits {
  const { permitMs, clock, ask, onRefused } = options
  const standings = new LRUCache<string, Standing>({ max: MAX_STANDINGS })
  let order = 0

  const standing = (group: string): Standing => {
    const known = standings.get(group)
    if (known !== undefined) return known
    const fresh: Standing = { grantedAtMs: Number.NEGATIVE_INFINITY, refusedOrder: -1, asking: undefined }
    standings.set(group, fresh)
    return fresh
  }
  const ageMs = (group: string) => {
    const age = clock.now() - standing(group).grantedAtMs
    // A clock set back must not make a yes last.
    return age < 0 ? Number.POSITIVE_INFINITY : age
  }
  const question = (call: KeyCall): Question => ({ group: groupOf(call), askedAtMs: clock.now(), order: order++ })

  const granted = ({ group, askedAtMs, order }: Question): boolean => {
    const known = standing(group)
    if (order < known.refusedOrder) return false
    known.grantedAtMs = Math.max(known.grantedAtMs, askedAtMs)
    return true
  }
  const refused = ({ group, order }: Question): void => {
    const known = standing(group)
    known.refusedOrder = Math.max(known.refusedOrder, order)
    known.grantedAtMs = Number.NEGATIVE_INFINITY
    onRefused(group)
  }

  const put = async (call: KeyCall, asked: Question): Promise<void> => {
    try {
      await ask(call)
      granted(asked)
    } catch (error) {
      // An unreachable provider takes nothing back while the last yes is young; any other answer does, at once.
      if (!hasCode<KeyProviderErrorCode>(error, 'KeyProviderUnavailable') || ageMs(asked.group) >= permitMs)
        refused(asked)
      throw error
    }
  }

  /** One question at a time for a group, unless the one under way has become too old to be of use. */
  const refresh = (call: KeyCall): Promise<void> => {
    const known = standing(groupOf(call))
    if (known.asking && clock.now() - known.asking.question.askedAtMs < permitMs) return known.asking.answer
    const asked = question(call)
    const answer = put(call, asked).finally(() => {
      if (known.asking?.question === asked) known.asking = undefined
    })
    known.asking = { question: asked, answer }
    return answer
  }

  const fresh = async (call: KeyCall): Promise<void> => {
    // A question under way may have been answered before this use began, so it is not shared.
    if (permitMs === 0) return put(call, question(call))
    const group = groupOf(call)
    if (ageMs(group) < permitMs / 2) return
    if (ageMs(group) < permitMs) {
      // Asked ahead, so that a key in steady use never waits.
      refresh(call).catch(() => {})
      return
    }
    const asked = question(call)
    await within(permitMs, refresh(call), () => refused(asked))
    if (ageMs(group) >= permitMs) throw unavailable()
  }

  return { question, granted, refused, fresh }
}

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
