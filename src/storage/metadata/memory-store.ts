import { setImmediate as nextTurn } from 'node:timers/promises'
import { CodedError } from '../../base/errors.ts'
import { groupsByRange } from './groups.ts'
import { checkCommit, checkSpace } from './limits.ts'
import type { Counter, Entry, MetadataStore, MetadataStoreErrorCode, Range, Space, Write } from './metadata-store.ts'

/** Bytes as one character each: such strings compare as their bytes do. */
const nameOf = (key: Buffer): string => key.toString('latin1')

/**
 * The contract in its plainest form: what every other store must do, and a store for tests. Each call takes a turn of
 * the event loop, as a store on disk would.
 */
export function memoryStore(): MetadataStore {
  const spaces = new Map<Space, Map<string, Entry>>()
  const counters = new Map<string, number>()
  let sequence = 0
  let closed = false

  const rowsOf = (space: Space): Map<string, Entry> => {
    checkSpace(space)
    const rows = spaces.get(space) ?? new Map<string, Entry>()
    spaces.set(space, rows)
    return rows
  }
  const holds = (write: Write): boolean => {
    if (write.type === 'add' || write.if === undefined) return true
    const current = rowsOf(write.space).get(nameOf(write.key))
    return write.if === null ? current === undefined : current?.token === write.if
  }

  const apply = (write: Write): void => {
    const name = nameOf(write.key)
    if (write.type === 'put') {
      const { key, value } = write
      rowsOf(write.space).set(name, { key: Buffer.from(key), value: Buffer.from(value), token: String(sequence) })
    } else if (write.type === 'delete') {
      rowsOf(write.space).delete(name)
    } else if (write.type === 'add') {
      const sum = (counters.get(name) ?? 0) + write.delta
      if (sum === 0) counters.delete(name)
      else counters.set(name, sum)
    }
  }

  const rangeNow = (space: Space, range: Range): Entry[] => rangeOf(rowsOf(space), range)

  const turn = async (): Promise<void> => {
    if (closed) throw new CodedError<MetadataStoreErrorCode>('MetadataStoreFailed', 'the metadata store is closed')
    await nextTurn()
  }

  return {
    get: async (space, key) => {
      await turn()
      return copyOf(rowsOf(space).get(nameOf(key)))
    },
    getMany: async (space, keys) => {
      await turn()
      return keys.map((key) => copyOf(rowsOf(space).get(nameOf(key))))
    },
    range: async (space, range) => {
      await turn()
      return rangeNow(space, range)
    },
    groups: async (space, range) => {
      await turn()
      return groupsByRange(async (page) => rangeNow(space, page), range)
    },
    commit: async (writes) => {
      checkCommit(writes)
      await turn()
      if (!writes.every(holds)) return false
      sequence++
      writes.forEach(apply)
      return true
    },
    counters: async (prefix) => {
      await turn()
      return countersUnder(counters, prefix)
    },
    snapshot: async () => {
      await turn()
      const frozen = new Map([...spaces].map(([space, rows]) => [space, new Map(rows)]))
      const then = new Map(counters)
      return {
        range: async (space, range) => {
          await turn()
          checkSpace(space)
          return rangeOf(frozen.get(space) ?? new Map(), range)
        },
        counters: async (prefix) => {
          await turn()
          return countersUnder(then, prefix)
        },
        [Symbol.asyncDispose]: async () => {},
      }
    },
    close: async () => {
      closed = true
    },
  }
}

const copyOf = (entry: Entry | undefined): Entry | undefined =>
  entry && { key: Buffer.from(entry.key), value: Buffer.from(entry.value), token: entry.token }

function rangeOf(rows: ReadonlyMap<string, Entry>, { gte, lt, limit, reverse = false }: Range): Entry[] {
  const names = [...rows.keys()].filter((name) => name >= nameOf(gte) && name < nameOf(lt)).sort(byName)
  if (reverse) names.reverse()
  return names.slice(0, limit).flatMap((name) => copyOf(rows.get(name)) ?? [])
}

function countersUnder(counters: ReadonlyMap<string, number>, prefix: Buffer): Counter[] {
  const names = [...counters.keys()].filter((name) => name.startsWith(nameOf(prefix))).sort(byName)
  return names.map((name) => ({ key: Buffer.from(name, 'latin1'), value: counters.get(name) ?? 0 }))
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
