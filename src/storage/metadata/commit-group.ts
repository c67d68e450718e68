import { counterKey, decodeCounter, encodeCounter, encodeValue, sequenceOf, spaceKey } from './level-format.ts'
import type { Write } from './metadata-store.ts'

/** A row to be written, or removed when `value` is undefined. */
export interface RowChange {
  readonly key: Buffer
  readonly value: Buffer | undefined
}

export interface CommitGroup {
  /** Decides one commit: applies it and says true, or changes nothing and says false. Later commits see earlier ones. */
  readonly decide: (writes: readonly Write[], sequence: number) => boolean
  readonly changes: () => readonly RowChange[]
}

/** The commits of one group decided in memory, in order, over the rows that `read` finds in the database. */
export function commitGroup(read: (key: Buffer) => Buffer | undefined): CommitGroup {
  const changed = new Map<string, RowChange>()

  const current = (key: Buffer): Buffer | undefined => {
    const change = changed.get(key.toString('latin1'))
    return change ? change.value : read(key)
  }
  const change = (key: Buffer, value: Buffer | undefined): void => {
    changed.set(key.toString('latin1'), { key, value })
  }

  const holds = (write: Write): boolean => {
    if (write.type === 'add' || write.if === undefined) return true
    const stored = current(spaceKey(write.space, write.key))
    return write.if === null ? stored === undefined : stored !== undefined && String(sequenceOf(stored)) === write.if
  }

  const countersAfter = (writes: readonly Write[]): RowChange[] => {
    const sums = new Map<string, { readonly key: Buffer; readonly value: number }>()
    for (const write of writes) {
      if (write.type !== 'add') continue
      const key = counterKey(write.key)
      const name = key.toString('latin1')
      const stored = current(key)
      const before = sums.get(name)?.value ?? (stored ? decodeCounter(stored) : 0)
      sums.set(name, { key, value: before + write.delta })
    }
    return [...sums.values()].map(({ key, value }) => ({ key, value: value === 0 ? undefined : encodeCounter(value) }))
  }

  return {
    decide: (writes, sequence) => {
      if (!writes.every(holds)) return false
      // Everything that can throw comes before the first change.
      const counters = countersAfter(writes)
      for (const write of writes) {
        if (write.type === 'put') change(spaceKey(write.space, write.key), encodeValue(sequence, write.value))
        else if (write.type === 'delete') change(spaceKey(write.space, write.key), undefined)
      }
      for (const { key, value } of counters) change(key, value)
      return true
    },
    changes: () => [...changed.values()],
  }
}
