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

interface Row {
  readonly key: Buffer
  value: Buffer | undefined
  changed: boolean
}

/**
 * The commits of one group decided in memory, in order, over the rows that `read` finds in the database. Each is read once a
 * group: all puts of a bucket hold to its row and move its counters.
 */
export function commitGroup(read: (key: Buffer) => Buffer | undefined): CommitGroup {
  const rows = new Map<string, Row>()

  const rowAt = (key: Buffer): Row => {
    const name = key.toString('latin1')
    const known = rows.get(name)
    if (known) return known
    const row: Row = { key, value: read(key), changed: false }
    rows.set(name, row)
    return row
  }
  const change = (key: Buffer, value: Buffer | undefined): void => {
    const name = key.toString('latin1')
    const known = rows.get(name)
    if (known) set(known, value)
    else rows.set(name, { key, value, changed: true })
  }
  const set = (row: Row, value: Buffer | undefined): void => {
    row.value = value
    row.changed = true
  }

  const holds = (write: Write): boolean => {
    if (write.type === 'add' || write.if === undefined) return true
    const { value } = rowAt(spaceKey(write.space, write.key))
    return write.if === null ? value === undefined : value !== undefined && String(sequenceOf(value)) === write.if
  }

  const countersAfter = (writes: readonly Write[]): (readonly [Row, Buffer | undefined])[] => {
    const sums = new Map<Row, number>()
    for (const write of writes) {
      if (write.type !== 'add') continue
      const row = rowAt(counterKey(write.key))
      const before = sums.get(row) ?? (row.value ? decodeCounter(row.value) : 0)
      sums.set(row, before + write.delta)
    }
    return Array.from(sums, ([row, sum]) => [row, sum === 0 ? undefined : encodeCounter(sum)])
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
      for (const [row, value] of counters) set(row, value)
      return true
    },
    changes: () => [...rows.values()].filter(({ changed }) => changed),
  }
}
