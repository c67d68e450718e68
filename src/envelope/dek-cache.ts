import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { type Dek, dekFrom } from './dek.ts'
import { type EpochKeys, epochKeys } from './epoch-keys.ts'

/** Unwrapped DEKs for a short while. What leaves the cache, for whatever reason, is zeroed. Dispose it: it keeps a timer. */
export interface DekCache extends Disposable {
  readonly has: (id: string) => boolean
  /** A copy, which the caller disposes. */
  readonly copy: (id: string) => Dek | undefined
  /** Takes over `bytes`. */
  readonly put: (id: string, group: string, bytes: Buffer) => void
  /** Drops every DEK of a group at once. */
  readonly forget: (group: string) => void
  /** Groups that have a DEK here. */
  readonly groups: () => readonly string[]
}

interface Entry {
  readonly group: string
  readonly bytes: Buffer
  epochKeys: EpochKeys | undefined
}

/** Of one key: a page of a listing meets few. */
const CACHED_EPOCHS = 64

export function dekCache(options: { ttlMs: number; maxEntries: number; clock: Clock }): DekCache {
  const { ttlMs, maxEntries, clock } = options
  let closed = false
  const groups = new Map<string, Set<string>>()
  const entries = new LRUCache<string, Entry>({
    max: maxEntries,
    ttl: ttlMs,
    ttlResolution: 0,
    perf: clock,
    dispose: ({ group, bytes, epochKeys: derived }, id) => {
      bytes.fill(0)
      derived?.[Symbol.dispose]()
      const members = groups.get(group)
      members?.delete(id)
      if (members?.size === 0) groups.delete(group)
    },
  })
  // An expired entry that nobody asks for would otherwise stay in memory.
  const purging = setInterval(() => entries.purgeStale(), Math.max(ttlMs / 2, 100)).unref()

  return {
    has: (id) => entries.has(id),
    copy: (id) => {
      const entry = entries.get(id)
      if (!entry) return undefined
      return {
        ...dekFrom(Buffer.alloc(entry.bytes.length, entry.bytes)),
        get epochKeys() {
          entry.epochKeys ??= epochKeys(CACHED_EPOCHS)
          return entry.epochKeys
        },
      }
    },
    put: (id, group, bytes) => {
      if (closed) return void bytes.fill(0)
      entries.set(id, { group, bytes, epochKeys: undefined })
      groups.set(group, (groups.get(group) ?? new Set()).add(id))
    },
    forget: (group) => {
      for (const id of [...(groups.get(group) ?? [])]) entries.delete(id)
    },
    groups: () => [...groups.keys()],
    [Symbol.dispose]: () => {
      closed = true
      clearInterval(purging)
      entries.clear()
    },
  }
}
