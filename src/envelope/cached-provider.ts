import { hash } from 'node:crypto'
import { encodeList } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { dekFrom, type Kept } from './dek.ts'
import { dekCache } from './dek-cache.ts'
import type { KeyCall, KeyProvider, KeyUse, WrapContext, WrappedDek } from './key-provider.ts'
import { groupOf, isRefusal, permits } from './permits.ts'

export interface CachedProviderOptions {
  /** A cached DEK is used only with the provider's yes younger than this. 0: asked at every use. Default 2000. */
  readonly permitMs?: number
  /** DEKs of a key that nobody has asked about for so long are zeroed: it may not be allowed any more. Default 4000. */
  readonly idleMs?: number
  /** Life of an unwrapped DEK in memory. Default 60 000. */
  readonly ttlMs?: number
  /** Default 10 000. */
  readonly maxEntries?: number
  /** Only differences count; it must not stand still or be set back. Default: monotonic. */
  readonly clock?: Clock
}

export interface CachedProvider extends KeyProvider {
  readonly cached: () => CachedDeks
}

/** Since the process began; DEKs of buckets' metadata and bucket keys are among them. */
export interface CachedDeks {
  readonly hits: number
  readonly misses: number
  readonly entries: number
}

const monotonicClock: Clock = { now: () => performance.now() }

/** Names what the entries are: DEKs of suite 1. */
const SUITE = 'OEF1/1'

/**
 * A key provider around a key provider: unwraps once and then, while the provider keeps saying that the service may use
 * the root key, answers from memory. A refusal zeroes the cached DEKs of that key and service at once; a key that only
 * wraps no more keeps them.
 */
export function cachedProvider(inner: KeyProvider, options: CachedProviderOptions = {}): CachedProvider {
  const { permitMs = 2_000, idleMs = 4_000, ttlMs = 60_000, maxEntries = 10_000, clock = monotonicClock } = options
  const cache = dekCache({ ttlMs, maxEntries, clock })
  const { permit: ask, wrapPermitsUnwrap = false } = inner
  const standing = permits({ permitMs, clock, ask, wrapPermitsUnwrap, onRefused: cache.forget })

  const forgetIdle = (): void => {
    for (const group of cache.groups()) if (standing.unwrapAgeMs(group) >= idleMs) cache.forget(group)
  }
  const forgetting = setInterval(forgetIdle, Math.max(idleMs / 8, 100)).unref()

  /** A call of the provider is checked there, so its answer tells what a permit would. */
  const checked = async <Result>(
    call: KeyCall,
    use: KeyUse,
    act: () => Promise<Result>,
    onGranted?: (result: Result) => void,
  ) => {
    const question = standing.question(call, use)
    try {
      const result = await act()
      if (standing.granted(question)) onGranted?.(result)
      return result
    } catch (error) {
      if (isRefusal(error)) standing.refused(call, question, error)
      throw error
    }
  }

  /** Unwraps under way: those who want the same meanwhile wait for it. */
  const flying = new Map<string, Promise<void>>()
  let [hits, misses] = [0, 0]
  const unwrapOnce = async (call: KeyCall, id: string, act: () => ReturnType<KeyProvider['unwrap']>) => {
    let kept: Kept | undefined
    const asked = checked(call, 'unwrap', act, ({ dek }) => {
      kept = cache.put(id, groupOf(call), Buffer.alloc(dek.bytes.length, dek.bytes))
    })
    const answer = asked.then(({ dek, ...more }) => ({ ...more, dek: dekFrom(dek.bytes, kept) }))
    const landed = answer.then(() => undefined).finally(() => flying.delete(id))
    landed.catch(() => {})
    flying.set(id, landed)
    return answer
  }

  const fromCache = async (call: KeyCall, id: string) => {
    if (!cache.has(id)) return undefined
    await standing.fresh(call, 'unwrap')
    return cache.copy(id)
  }

  return {
    name: inner.name,
    supports: inner.supports,
    ...(inner.prefersBucketKeys ? { prefersBucketKeys: inner.prefersBucketKeys } : {}),
    ...(inner.derivesWrapKeys ? { derivesWrapKeys: inner.derivesWrapKeys } : {}),
    wrap: (call, dek, context) => checked(call, 'wrap', () => inner.wrap(call, dek, context)),
    unwrap: async (call, wrapped, context) => {
      const id = cacheId(call, wrapped, context)
      for (;;) {
        const dek = call.fresh === true ? undefined : await fromCache(call, id)
        if (dek !== undefined) {
          hits++
          return { dek }
        }
        // An answer that was asked for before this use began will do where answers may have an age.
        const landing = permitMs > 0 && call.fresh !== true ? flying.get(id) : undefined
        if (landing === undefined) {
          misses++
          return unwrapOnce(call, id, () => inner.unwrap(call, wrapped, context))
        }
        await landing
      }
    },
    rewrap: (call, wrapped, context) => checked(call, 'unwrap', () => inner.rewrap(call, wrapped, context)),
    permit: standing.fresh,
    describe: (call) => checked(call, 'wrap', () => inner.describe(call)),
    find: inner.find,
    register: inner.register,
    deregister: inner.deregister,
    cached: () => ({ hits, misses, entries: cache.size() }),
    close: async () => {
      clearInterval(forgetting)
      cache[Symbol.dispose]()
      await inner.close()
    },
  }
}

/** Everything that an unwrap depends on: an entry cannot answer for another context, key, version or service. */
function cacheId(call: KeyCall, wrapped: WrappedDek, context: WrapContext): string {
  const { rootKeyCrn, serviceInstanceCrn } = call
  const known = KNOWN.get(wrapped)
  if (known && known.rootKeyCrn === rootKeyCrn && known.serviceInstanceCrn === serviceInstanceCrn) {
    if (known.context.length === context.length && known.context.every((part, at) => part === context[at])) {
      return known.id
    }
  }
  const id = newCacheId(call, wrapped, context)
  KNOWN.set(wrapped, { rootKeyCrn, serviceInstanceCrn, context, id })
  return id
}

/** Of a record that is kept in memory: the digest costs 6 us of CPU, finding it again 0.3. */
const KNOWN = new WeakMap<WrappedDek, Pick<KeyCall, 'rootKeyCrn' | 'serviceInstanceCrn'> & KnownId>()

interface KnownId {
  readonly context: WrapContext
  readonly id: string
}

function newCacheId(call: KeyCall, wrapped: WrappedDek, context: WrapContext): string {
  const { rootKeyCrn, serviceInstanceCrn } = call
  const parts = [SUITE, wrapped.ciphertext, rootKeyCrn, wrapped.keyVersion, serviceInstanceCrn, ...context]
  return hash('sha256', encodeList(parts), 'latin1')
}
