import { isUuid } from '../base/ids.ts'
import type { MetadataStore, Write } from '../storage/metadata/metadata-store.ts'
import type { AliasRecord } from './aliases.ts'
import { kmsError } from './errors.ts'
import type { KeyVersion } from './key-versions.ts'
import type { KeyRecord } from './keys.ts'
import type { RegistrationRecord } from './registrations.ts'

/** One key as memory holds it. The records are immutable; an entry changes only after the store has the change. */
export interface KeyEntry {
  readonly instanceId: string
  readonly id: string
  record: KeyRecord
  /** Oldest first; a key always has one. */
  versions: readonly KeyVersion[]
  readonly registrations: Map<string, RegistrationRecord>
  readonly aliases: Map<string, AliasRecord>
  /** A commit failed and what the store holds is not known: nothing may be done with the key. */
  unavailable: boolean
}

/** All keys, in memory; the store is written first. One process owns the store. */
export interface Catalog {
  /** Not those that are damaged. */
  readonly find: (instanceId: string, idOrAlias: string) => KeyEntry | undefined
  /** Is there a key of this id, of which something stored cannot be read? */
  readonly isDamaged: (instanceId: string, id: string) => boolean
  readonly damagedOf: (instanceId: string) => readonly string[]
  readonly addDamaged: (instanceId: string, id: string) => void
  /** In order of creation. */
  readonly keysOf: (instanceId: string) => Iterable<KeyEntry>
  /** In order of their ids: sorted once after keys came or went. */
  readonly keysById: (instanceId: string) => readonly KeyEntry[]
  readonly all: () => Iterable<KeyEntry>
  readonly aliasCount: (instanceId: string) => number
  readonly add: (entry: KeyEntry) => void
  readonly addAlias: (entry: KeyEntry, alias: string, record: AliasRecord) => void
  readonly removeAlias: (entry: KeyEntry, alias: string) => void
  readonly remove: (entry: KeyEntry) => void
  /** Durable, then `apply`. Resolves false when a condition of the writes did not hold. Throws KeyUnavailable. */
  readonly commit: (entry: KeyEntry, writes: readonly Write[], apply: () => void) => Promise<boolean>
}

interface InstanceKeys {
  readonly keys: Map<string, KeyEntry>
  sorted: readonly KeyEntry[] | undefined
  readonly aliases: Map<string, KeyEntry>
}

export function createCatalog(store: MetadataStore): Catalog {
  const instances = new Map<string, InstanceKeys>()
  const damaged = new Map<string, Set<string>>()
  const instanceKeys = (id: string): InstanceKeys => {
    const known = instances.get(id)
    if (known) return known
    const added: InstanceKeys = { keys: new Map(), sorted: undefined, aliases: new Map() }
    instances.set(id, added)
    return added
  }
  return {
    find: (instanceId, idOrAlias) => {
      const found = instances.get(instanceId)
      return isUuid(idOrAlias) ? found?.keys.get(idOrAlias.toLowerCase()) : found?.aliases.get(idOrAlias)
    },
    isDamaged: (instanceId, id) => damaged.get(instanceId)?.has(id.toLowerCase()) === true,
    damagedOf: (instanceId) => [...(damaged.get(instanceId) ?? [])],
    addDamaged: (instanceId, id) => {
      damaged.set(instanceId, (damaged.get(instanceId) ?? new Set()).add(id))
    },
    keysOf: (instanceId) => instances.get(instanceId)?.keys.values() ?? [],
    keysById: (instanceId) => {
      const found = instances.get(instanceId)
      if (!found) return []
      found.sorted ??= [...found.keys.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
      return found.sorted
    },
    all: function* () {
      for (const { keys } of instances.values()) yield* keys.values()
    },
    aliasCount: (instanceId) => instances.get(instanceId)?.aliases.size ?? 0,
    add: (entry) => {
      const added = instanceKeys(entry.instanceId)
      added.keys.set(entry.id, entry)
      added.sorted = undefined
      for (const alias of entry.aliases.keys()) added.aliases.set(alias, entry)
    },
    addAlias: (entry, alias, record) => {
      entry.aliases.set(alias, record)
      instanceKeys(entry.instanceId).aliases.set(alias, entry)
    },
    removeAlias: (entry, alias) => {
      entry.aliases.delete(alias)
      instances.get(entry.instanceId)?.aliases.delete(alias)
    },
    remove: (entry) => {
      const found = instances.get(entry.instanceId)
      if (!found) return
      for (const alias of entry.aliases.keys()) found.aliases.delete(alias)
      found.keys.delete(entry.id)
      found.sorted = undefined
    },
    commit: async (entry, writes, apply) => {
      try {
        if (!(await store.commit(writes))) return false
      } catch (cause) {
        // Whether the write is there is not known until the next start reads it: refuse rather than guess.
        entry.unavailable = true
        throw kmsError('KeyUnavailable', 'the key could not be written', {}, cause)
      }
      apply()
      return true
    },
  }
}
