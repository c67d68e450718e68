import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { type Dek, dekFrom, type Kept } from './dek.ts'
import { type EpochKeys, epochKeys } from './epoch-keys.ts'

/** Unwrapped DEKs for a short while. What leaves the cache, for whatever reason, is zeroed. Dispose it: it keeps a timer. */
export interface DekCache extends Disposable {
  readonly has: (id: string) => boolean
  /** A copy, which the caller disposes. */
  readonly copy: (id: string) => Dek | undefined
  /** Takes over `bytes`. Undefined when the cache takes nothing any more. */
  readonly put: (id: string, group: string, bytes: Buffer) => Kept | undefined
  /** Drops every DEK of a group at once. */
  readonly forget: (group: string) => void
  /** Groups that have a DEK here. */
  readonly groups: () => readonly string[]
  readonly size: () => number
}

interface Entry {
  readonly group: string
  readonly bytes: Buffer
  readonly kept: ClosableKept
  epochKeys: EpochKeys | undefined
}

/** Of one key: a page of a listing meets few. */
const CACHED_EPOCHS = 64
/** Of all that is kept beside the DEKs; more is derived anew at each use. */
const MAX_KEPT_BYTES = 16 * 1024 ** 2

export function dekCache(options: { ttlMs: number; maxEntries: number; clock: Clock }): DekCache {
  const { ttlMs, maxEntries, clock } = options
  let closed = false
  const room = { bytes: MAX_KEPT_BYTES }
  const groups = new Map<string, Set<string>>()
  const entries = new LRUCache<string, Entry>({
    max: maxEntries,
    ttl: ttlMs,
    ttlResolution: 0,
    perf: clock,
    dispose: ({ group, bytes, kept, epochKeys: derived }, id) => {
      bytes.fill(0)
      kept.close()
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
        ...dekFrom(Buffer.alloc(entry.bytes.length, entry.bytes), entry.kept),
        get epochKeys() {
          entry.epochKeys ??= epochKeys(CACHED_EPOCHS)
          return entry.epochKeys
        },
      }
    },
    put: (id, group, bytes) => {
      if (closed) {
        bytes.fill(0)
        return undefined
      }
      const kept = keptIn(room)
      entries.set(id, { group, bytes, kept, epochKeys: undefined })
      groups.set(group, (groups.get(group) ?? new Set()).add(id))
      return kept
    },
    forget: (group) => {
      for (const id of [...(groups.get(group) ?? [])]) entries.delete(id)
    },
    groups: () => [...groups.keys()],
    size: () => entries.size,
    [Symbol.dispose]: () => {
      closed = true
      clearInterval(purging)
      entries.clear()
    },
  }
}

interface ClosableKept extends Kept {
  readonly close: () => void
}

function keptIn(room: { bytes: number }): ClosableKept {
  let open = true
  let held: { readonly derived: Disposable; readonly bytes: number } | undefined
  const drop = (): void => {
    if (!held) return
    room.bytes += held.bytes
    held.derived[Symbol.dispose]()
    held = undefined
  }
  return {
    isOpen: () => open,
    hold: (derived, bytes) => {
      drop()
      if (!open || bytes > room.bytes) return derived[Symbol.dispose]()
      room.bytes -= bytes
      held = { derived, bytes }
    },
    close: () => {
      open = false
      drop()
    },
  }
}
