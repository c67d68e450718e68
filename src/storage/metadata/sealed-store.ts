import { CodedError } from '../../base/errors.ts'
import type { RecordCipher } from '../../base/nonces.ts'
import { MAX_VALUE_BYTES } from './limits.ts'
import type { Entry, MetadataStore, MetadataStoreErrorCode, Range, Space, Write } from './metadata-store.ts'

/**
 * A store whose values are sealed one by one, each bound to its space and key (AAD = space byte ‖ key), so that one that
 * was changed, moved or put elsewhere throws MetadataCorrupt. Keys, tokens and counters stay as they are.
 */
export function sealedStore(inner: MetadataStore, cipher: RecordCipher): MetadataStore {
  const open = (space: Space, { key, value, token }: Entry): Entry => {
    try {
      return { key, value: cipher.open(aadOf(space, key), value), token }
    } catch (cause) {
      const message = `a value of space ${space} does not authenticate`
      const details = { space, row: key.toString('hex'), token }
      throw new CodedError<MetadataStoreErrorCode>('MetadataCorrupt', message, { details, cause })
    }
  }

  const openAll = (space: Space, { isKnown }: Range, entries: Entry[]): Entry[] =>
    entries.map((entry) => (isKnown?.(entry.key, entry.token) ? entry : open(space, entry)))

  const seal = (write: Write): Write => {
    if (write.type !== 'put') return write
    if (write.value.length > MAX_VALUE_BYTES) {
      throw new RangeError(`a value has at most ${MAX_VALUE_BYTES} bytes, not ${write.value.length}`)
    }
    return { ...write, value: cipher.seal(aadOf(write.space, write.key), write.value) }
  }

  return {
    get: async (space, key) => {
      const entry = await inner.get(space, key)
      return entry && open(space, entry)
    },
    getMany: async (space, keys) => {
      const entries = await inner.getMany(space, keys)
      return entries.map((entry) => entry && open(space, entry))
    },
    range: async (space, range) => openAll(space, range, await inner.range(space, range)),
    groups: async (space, range) => {
      const groups = await inner.groups(space, range)
      return groups.map((group) => ('entry' in group ? { entry: open(space, group.entry) } : group))
    },
    commit: async (writes) => inner.commit(writes.map(seal)),
    counters: inner.counters,
    snapshot: async () => {
      const snapshot = await inner.snapshot()
      return {
        range: async (space, range) => openAll(space, range, await snapshot.range(space, range)),
        counters: snapshot.counters,
        [Symbol.asyncDispose]: () => snapshot[Symbol.asyncDispose](),
      }
    },
    ...(inner.compact ? { compact: inner.compact } : {}),
    close: inner.close,
  }
}

function aadOf(space: Space, key: Buffer): Buffer {
  const aad = Buffer.allocUnsafe(1 + key.length)
  aad[0] = space
  aad.set(key, 1)
  return aad
}
